import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readStream } from '../support/sse-reader.js';
import { System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

const ask = (text: string): unknown => ({
  model: 'vlm',
  stream: true,
  stream_options: { include_usage: true },
  messages: [{ role: 'user', content: text }],
});
const oneSlot = { ADAPTER_TEXT_SLOTS: '1', ADAPTER_MEDIA_SLOTS: '1' };

describe('a worker-adapter that is killed', () => {
  let engine: FakeVllm;
  let system: System;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url });
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });
  afterEach(() => system.untilClean());

  it('ends its running stream with the error event and lets another adapter answer the queued request', async () => {
    await system.startAdapter('first', workerToml('vlm'), oneSlot);
    await system.untilModel('vlm', 'available');
    const hold = engine.hold({ match: 'running', afterTokens: 3 });
    const running = readStream(await system.chat(ask('running one two three four five')));
    await hold.reached();
    const queued = system.chat(ask('queued'));
    await system.startAdapter('second', workerToml('vlm'), oneSlot);
    system.adapter('first').signal('SIGKILL');

    const broken = await running;
    expect(broken.text.length).toBeGreaterThan(0);
    expect(broken.done).toBe(false);
    const last = broken.chunks.at(-1);
    expect(last?.error?.code).toBe('STREAM_INTERRUPTED');
    expect(last?.usage?.completion_tokens).toBeGreaterThan(0);

    const answered = await readStream(await queued);
    expect(answered.text).toContain('queued');
    expect(answered.done).toBe(true);
    hold.release();
    await system.adapter('second').end('SIGTERM');
  }, 300_000);

  it('has its job run again elsewhere when nothing had been written', async () => {
    await system.startAdapter('third', workerToml('vlm'), oneSlot);
    await system.untilModel('vlm', 'available');
    const hold = engine.hold({ match: 'silent', afterTokens: 0 });
    const answer = system.chat(ask('silent so far'));
    await hold.reached();
    await system.startAdapter('fourth', workerToml('vlm'), oneSlot);
    system.adapter('third').signal('SIGKILL');
    const seen = await readStream(await answer);
    expect(seen.text).toContain('silent so far');
    expect(seen.done).toBe(true);
    await system.adapter('fourth').end('SIGTERM');
  }, 300_000);

  it('does not leave the client hanging when there is no other adapter', async () => {
    await system.startAdapter('fifth', workerToml('vlm'), oneSlot);
    await system.untilModel('vlm', 'available');
    const hold = engine.hold({ match: 'alone', afterTokens: 2 });
    const running = readStream(await system.chat(ask('alone in the world of workers')));
    await hold.reached();
    system.adapter('fifth').signal('SIGKILL');
    const broken = await running;
    expect(broken.chunks.at(-1)?.error?.code).toBe('STREAM_INTERRUPTED');
    expect(broken.done).toBe(false);
  }, 300_000);

  it('finishes a running stream on SIGTERM and takes nothing more', async () => {
    const leaving = await system.startAdapter('sixth', workerToml('vlm'), oneSlot);
    await system.untilModel('vlm', 'available');
    const hold = engine.hold({ match: 'finish', afterTokens: 2 });
    const running = readStream(await system.chat(ask('finish what you began')));
    await hold.reached();
    leaving.signal('SIGTERM');
    await system.untilModel('vlm', 'unavailable');
    hold.release();
    const seen = await running;
    expect(seen.done).toBe(true);
    expect(seen.text).toContain('finish what you began');
    await until('the adapter to be gone', () => !leaving.isRunning);
    expect(leaving.exitCode).toBe(0);
  }, 300_000);
});
