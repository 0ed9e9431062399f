import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { dataUrl, imagePart, plainPicture } from '../support/pictures.js';
import { System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

const ask = (text: string, stream: boolean): unknown => ({
  model: 'vlm',
  stream,
  messages: [{ role: 'user', content: text }],
});

describe('a client that leaves', () => {
  let engine: FakeVllm;
  let system: System;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url });
    await system.startAdapter('vlm', workerToml('vlm'), {
      ADAPTER_TEXT_SLOTS: '1',
      ADAPTER_MEDIA_SLOTS: '1',
    });
    await system.untilModel('vlm', 'available');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });
  afterEach(() => system.untilClean());

  it.each([
    ['while it streams', true, 3],
    ['before the first token of a stream', true, 0],
    ['while it waits for a whole answer', false, 3],
  ])('%s stops the engine at its socket', async (name, stream, afterTokens) => {
    const hold = engine.hold({ match: name, afterTokens });
    const leave = new AbortController();
    const answer = system.chat(ask(`${name}, five six seven`, stream), { signal: leave.signal });
    answer.then((response) => response.text()).catch(() => undefined);
    await hold.reached();
    leave.abort();
    const aborted = await engine.waitFor('aborted', { text: name });
    expect(aborted.text).toContain(name);
    hold.release();
  });

  it('while it is queued takes the job out of the lane, and its picture with it', async () => {
    const hold = engine.hold({ match: 'first in line', afterTokens: 1 });
    const first = system.chat(ask('first in line', false));
    await hold.reached();
    const leave = new AbortController();
    const picture = dataUrl(await plainPicture(16, 16));
    const holdPicture = engine.hold({ match: 'picture first', afterTokens: 1 });
    const content = (text: string): unknown => [{ type: 'text', text }, imagePart(picture)];
    const media = system.chat({
      model: 'vlm',
      messages: [{ role: 'user', content: content('picture first') }],
    });
    await holdPicture.reached();
    const waiting = system.chat(
      { model: 'vlm', messages: [{ role: 'user', content: content('nobody waits for me') }] },
      { signal: leave.signal },
    );
    waiting.catch(() => undefined);
    await until('the request to be queued', async () => {
      const leases = (await system.leftovers()).keys.filter((key) => key.endsWith(':lease'));
      return leases.length === 3;
    });
    leave.abort();
    await until('the queued request to be gone', async () => {
      const leases = (await system.leftovers()).keys.filter((key) => key.endsWith(':lease'));
      return leases.length === 2;
    });
    hold.release();
    holdPicture.release();
    expect((await first).status).toBe(200);
    expect((await media).status).toBe(200);
    expect(engine.requests.some((request) => request.lastUserText.includes('nobody waits'))).toBe(false);
  });

  it('with its gateway killed is noticed by the worker, too', async () => {
    const hold = engine.hold({ match: 'orphaned', afterTokens: 2 });
    const answer = system.chat(ask('orphaned by its gateway', true));
    answer.then((response) => response.text()).catch(() => undefined);
    await hold.reached();
    await system.gateway.end('SIGKILL');
    await engine.waitFor('aborted', { text: 'orphaned', timeoutMs: 60_000 });
    hold.release();
    await system.startGateway();
  }, 300_000);
});
