import { once } from 'node:events';
import { connect } from 'node:net';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readStream } from '../support/sse-reader.js';
import { keys, System } from '../support/system.js';
import { workerToml } from '../support/workers.js';

const ask = (text: string, stream: boolean): unknown => ({
  model: 'vlm',
  stream,
  messages: [{ role: 'user', content: text }],
});

describe('a request whose time is up', () => {
  let engine: FakeVllm;
  let system: System;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({
      engineUrl: engine.url,
      env: { REQUEST_TIMEOUT_S: '4', GATEWAY_UPLOAD_IDLE_S: '1' },
    });
    await system.startAdapter('vlm', workerToml('vlm'));
    await system.untilModel('vlm', 'available');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });
  afterEach(() => system.untilClean());

  it('before the first token is answered 504 and stopped at the engine', async () => {
    engine.script({ match: 'for ever', behaviour: { fault: { kind: 'hang' } } });
    const answer = await system.chat(ask('thinking for ever', true));
    expect(answer.status).toBe(504);
    expect(await answer.json()).toMatchObject({
      error: { code: 'TIMEOUT', limit: { name: 'request_timeout_s', value: 4 } },
    });
    await engine.waitFor('aborted', { text: 'for ever' });
  });

  it('in the middle of a stream ends with the error event', async () => {
    engine.script({ match: 'half way', behaviour: { fault: { kind: 'hang', afterTokens: 3 } } });
    const seen = await readStream(await system.chat(ask('stuck half way', true)));
    expect(seen.text).not.toBe('');
    expect(seen.chunks.at(-1)?.error?.code).toBe('TIMEOUT');
    expect(seen.done).toBe(false);
    await engine.waitFor('aborted', { text: 'half way' });
  });

  it('because its upload stands still is answered 408', async () => {
    const { port } = new URL(system.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.alpha}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"model":`,
    );
    const [data] = await once(socket, 'data');
    expect(String(data)).toMatch(/^HTTP\/1\.1 408[\s\S]*REQUEST_TIMEOUT/);
    socket.destroy();
  });
});
