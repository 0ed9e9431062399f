import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dataUrl, imagePart, plainPicture } from '../../support/pictures.js';
import { System } from '../../support/system.js';
import { workerToml } from '../../support/workers.js';

const forms = [
  ['a stream', true],
  ['a whole answer', false],
] as const;

/** The engine has one place and a queue: the adapter gives it more than it can run. */
describe('a client that leaves what the engine has', () => {
  let engine: FakeVllm;
  let system: System;
  let picture: string;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm', maxRunning: 1, kvCacheTokens: 1_000_000 });
    system = await System.start({ engineUrl: engine.url });
    await system.startAdapter('vlm', workerToml('vlm'));
    await system.untilModel('vlm', 'available');
    picture = dataUrl(await plainPicture(56, 56));
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const start = (text: string, stream: boolean, withPicture = false): { leave: () => void } => {
    const content = withPicture ? [{ type: 'text', text }, imagePart(picture)] : text;
    const left = new AbortController();
    const body = { model: 'vlm', stream, messages: [{ role: 'user', content }] };
    const answer = system.chat(body, { signal: left.signal });
    answer.then((response) => response.text()).catch(() => undefined);
    return { leave: () => left.abort() };
  };

  /** What the engine counts as aborted, over its life and on its page of metrics. */
  const aborts = (): { counted: number; shown: number } => ({
    counted: engine.counters.aborted,
    shown: Number(
      /request_success_total\{[^}]*finished_reason="abort"[^}]*\} (\d+)/.exec(engine.metrics())?.[1],
    ),
  });

  /** A request whose pictures are still read is on no page of metrics, as with vLLM (issue 44688). */
  async function expectAbort(text: string, act: () => void, isShown = true): Promise<void> {
    const before = aborts();
    act();
    await engine.waitFor('disconnected', { text });
    await engine.waitFor('aborted', { text });
    expect(aborts()).toEqual({ counted: before.counted + 1, shown: before.shown + (isShown ? 1 : 0) });
  }

  it.each(forms)('in prefill, of %s', async (form, stream) => {
    const text = `prefill of ${form}`;
    const hold = engine.hold({ match: text, afterTokens: 0 });
    const client = start(text, stream);
    await hold.reached();
    await expectAbort(text, client.leave);
    expect(engine.counters).toMatchObject({ running: 0, waiting: 0 });
  });

  it.each(forms)('in decode, of %s', async (form, stream) => {
    const text = `decode of ${form}`;
    const hold = engine.hold({ match: text, afterTokens: 3 });
    const client = start(text, stream);
    await hold.reached();
    await expectAbort(text, client.leave);
    expect(engine.counters).toMatchObject({ running: 0, waiting: 0 });
  });

  it.each(forms)('in the queue of the engine, of %s', async (form, stream) => {
    const [first, text] = [`in front of ${form}`, `queue of ${form}`];
    const hold = engine.hold({ match: first, afterTokens: 1 });
    const other = start(first, stream);
    await hold.reached();
    const client = start(text, stream);
    await engine.waitFor('queued', { text });
    await expectAbort(text, client.leave);
    expect(engine.counters).toMatchObject({ running: 1, waiting: 0 });
    hold.release();
    await engine.waitFor('finished', { text: first });
    other.leave();
  });

  it.each(forms)('while the engine reads its picture, of %s', async (form, stream) => {
    const text = `picture of ${form}`;
    const gate = `preprocessing of ${form}`;
    engine.script({ match: text, behaviour: { preprocessing: { gate } } });
    const client = start(text, stream, true);
    await engine.waitFor('preprocessing', { text });
    await expectAbort(text, client.leave, false);
    engine.release(gate);
    expect(engine.counters).toMatchObject({ preprocessing: 0, running: 0 });
  });

  it.each(forms)('while the engine hangs: its socket is closed all the same, of %s', async (form, stream) => {
    const text = `hung ${form}`;
    engine.hangEngine();
    const client = start(text, stream);
    await engine.waitFor('request', { text });
    client.leave();
    await engine.waitFor('disconnected', { text });
    engine.resumeEngine();
    await engine.waitFor('aborted', { text });
  });

  it('nothing is left behind', () => system.untilClean());
});
