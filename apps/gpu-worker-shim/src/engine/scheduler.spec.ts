import { describe, expect, it } from '@jest/globals';
import type { GenerationRequest } from './generation-request.js';
import { Scheduler, type Tick } from './scheduler.js';
import type { SequenceSettings } from './sequence.js';
import { type FakeCache, FakeDecoder, greedy, letters } from './testing/fake-decoder.js';

/** A prompt of `length` tokens; what comes next depends on everything fed so far. */
function request(id: number, length: number, choices: Partial<SequenceSettings>[] = [{}]): GenerationRequest {
  return {
    id,
    prompt: { ids: new Int32Array(length).fill(id), imageTokenId: 26, features: new Float32Array() },
    choices: choices.map((settings) => ({ ...greedy, maxTokens: 4, ...settings })),
  };
}

const mixed = (fed: readonly number[]) => 1 + (fed.reduce((sum, id) => sum * 3 + id, 0) % 25);

/** Runs until nothing is left; gives the text of each choice as `id.index`. */
async function runAll(scheduler: Scheduler<FakeCache>, onTick?: (tick: Tick) => void) {
  const texts = new Map<string, string>();
  while (scheduler.hasWork) {
    const tick = await scheduler.tick();
    for (const { id, index, text } of tick.pieces) {
      texts.set(`${id}.${index}`, (texts.get(`${id}.${index}`) ?? '') + text);
    }
    onTick?.(tick);
  }
  return texts;
}

const create = (decoder: FakeDecoder, maxRunning = 4) => new Scheduler(decoder, letters, maxRunning);

describe('the scheduler', () => {
  it('prefills a prompt, then steps until the choice ends', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(7, 3));
    expect(await runAll(scheduler)).toEqual(new Map([['7.0', 'aaaa']]));
    expect(decoder.passes).toEqual(['extend 3', 'step 1', 'step 1', 'step 1']);
  });

  it('cuts a long prompt into pieces, and running answers step between them', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(1, 2, [{ maxTokens: 10 }]));
    await scheduler.tick();
    scheduler.add(request(2, 300));
    await runAll(scheduler);
    expect(decoder.passes.slice(0, 7)).toEqual([
      'extend 2',
      'extend 128',
      'step 1',
      'extend 128',
      'step 1',
      'extend 44',
      'step 1',
    ]);
    expect(decoder.passes[7]).toBe('step 2');
  });

  it('gives each request what it gives alone, however they come and go', async () => {
    const alone = new Map<string, string>();
    const all = [request(1, 5, [{ maxTokens: 9 }]), request(2, 200), request(3, 1, [{ maxTokens: 2 }])];
    for (const one of all) {
      const scheduler = create(new FakeDecoder(mixed));
      scheduler.add(one);
      for (const [key, text] of await runAll(scheduler)) alone.set(key, text);
    }
    const scheduler = create(new FakeDecoder(mixed), 2);
    scheduler.add(all[0]!);
    scheduler.add(all[1]!);
    let turn = 0;
    const together = await runAll(scheduler, () => {
      turn += 1;
      if (turn === 2) scheduler.add(all[2]!);
    });
    expect(together).toEqual(alone);
    expect([...alone.values()].every((text) => text.length > 0)).toBe(true);
  });

  it('runs all choices of a request from one prefill', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(1, 6, [{}, { maxTokens: 2 }, { logitBias: new Map([[2, 100]]) }]));
    expect(await runAll(scheduler)).toEqual(
      new Map([
        ['1.0', 'aaaa'],
        ['1.1', 'aa'],
        ['1.2', 'bbbb'],
      ]),
    );
    expect(decoder.passes).toEqual(['extend 6', 'step 3', 'step 2', 'step 2']);
  });

  it('never runs more sequences than it may, and admits in order of arrival', async () => {
    const scheduler = create(new FakeDecoder(() => 1), 3);
    const order: number[] = [];
    for (const [id, choices] of [
      [1, 2],
      [2, 2],
      [3, 1],
    ] as const) {
      scheduler.add(request(id, 2, new Array(choices).fill({})));
    }
    await runAll(scheduler, (tick) => {
      expect(tick.running).toBeLessThanOrEqual(3);
      for (const { id } of tick.pieces) if (!order.includes(id)) order.push(id);
    });
    expect(order).toEqual([1, 2, 3]);
  });

  it('puts image embeddings where image tokens stand, across pieces of a prompt', async () => {
    const ids = new Int32Array(130).fill(3);
    ids[0] = 26;
    ids[129] = 26;
    let fed: readonly number[] = [];
    const watching = new FakeDecoder((seen) => {
      fed = seen;
      return 0;
    });
    const own = create(watching);
    own.add({ ...request(1, 1), prompt: { ids, imageTokenId: 26, features: Float32Array.of(100, 101) } });
    await runAll(own);
    expect([fed[0], fed[1], fed[129]]).toEqual([100, 3, 101]);
  });

  it('fails a request whose prompt has more image tokens than embeddings', async () => {
    const scheduler = create(new FakeDecoder(() => 0));
    scheduler.add({
      ...request(1, 1),
      prompt: { ids: Int32Array.of(26, 26), imageTokenId: 26, features: Float32Array.of(1) },
    });
    const { failures } = await scheduler.tick();
    expect(failures).toMatchObject([{ id: 1, error: { code: 'INTERNAL' } }]);
    expect(scheduler.hasWork).toBe(false);
  });

  it('forgets a cancelled request whether it waits, prefills or runs', async () => {
    const scheduler = create(new FakeDecoder(() => 1), 1);
    scheduler.add(request(1, 2, [{ maxTokens: 100 }]));
    scheduler.add(request(2, 2));
    await scheduler.tick();
    scheduler.cancel(2);
    scheduler.cancel(1);
    scheduler.cancel(99);
    expect(scheduler.hasWork).toBe(false);
    scheduler.add(request(3, 300));
    await scheduler.tick();
    scheduler.cancel(3);
    expect(await scheduler.tick()).toEqual({ pieces: [], failures: [], running: 0, cachedTokens: 0 });
  });

  it('says nothing more of a request that is cancelled while its pass is under way', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(1, 2, [{ maxTokens: 100 }]));
    scheduler.add(request(2, 2, [{ maxTokens: 100 }]));
    await scheduler.tick();
    await scheduler.tick();
    const turn = scheduler.tick();
    scheduler.cancel(1);
    const { pieces, running } = await turn;
    expect(pieces.map(({ id }) => id)).toEqual([2]);
    expect(running).toBe(1);
  });

  it('fails only those whose pass failed, and goes on', async () => {
    const decoder = new FakeDecoder((fed) => {
      if (fed[0] === 9) throw new Error('out of memory at /secret/path');
      return 1;
    });
    const scheduler = create(decoder);
    scheduler.add(request(9, 2));
    scheduler.add(request(1, 2));
    const failed: unknown[] = [];
    const texts = await runAll(scheduler, (tick) => failed.push(...tick.failures));
    expect(texts).toEqual(new Map([['1.0', 'aaaa']]));
    expect(failed).toMatchObject([{ id: 9, error: { code: 'INTERNAL' } }]);
  });

  it('counts the tokens whose keys and values it holds', async () => {
    const scheduler = create(new FakeDecoder(() => 1));
    scheduler.add(request(1, 130));
    expect((await scheduler.tick()).cachedTokens).toBe(128);
    expect((await scheduler.tick()).cachedTokens).toBe(130);
    expect((await scheduler.tick()).cachedTokens).toBe(131);
  });
});
