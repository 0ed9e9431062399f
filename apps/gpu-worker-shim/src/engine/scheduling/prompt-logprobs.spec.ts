import { describe, expect, it } from '@jest/globals';
import type { PromptLogprob } from '../../models/chat-model.js';
import type { GenerationRequest } from '../generation-request.js';
import type { SequencePiece } from '../sequence.js';
import { FakeDecoder, greedy, letters } from '../testing/fake-decoder.js';
import { Scheduler } from './scheduler.js';

const IMAGE = 26;

/** What comes next depends on everything fed so far. */
const next = (fed: readonly number[]) => 1 + (fed.reduce((sum, id) => sum * 3 + id, 0) % 25);

const create = (decoder: FakeDecoder, prefixCacheBytes = 0) =>
  new Scheduler(decoder, letters, { maxRunning: 4, prefixCacheBytes });

/** Every other token is the one that the model would write. */
function promptIds(length: number): Int32Array {
  const ids: number[] = [];
  for (let at = 0; at < length; at += 1) ids.push(at % 2 === 0 ? 1 + (at % 7) : next(ids));
  return Int32Array.from(ids);
}

function request(id: number, ids: Int32Array, more: Partial<GenerationRequest> = {}): GenerationRequest {
  const prompt = { ids, imageTokenId: IMAGE, features: new Float32Array(), images: [] };
  return { id, prompt, choices: [{ ...greedy, maxTokens: 2 }], ...more };
}

async function piecesOf(scheduler: ReturnType<typeof create>, onPreemptions?: (count: number) => void) {
  const pieces = new Map<number, SequencePiece[]>();
  while (scheduler.hasWork) {
    const tick = await scheduler.tick();
    expect(tick.failures).toEqual([]);
    onPreemptions?.(tick.preemptions);
    for (const { id, ...piece } of tick.pieces) pieces.set(id, [...(pieces.get(id) ?? []), piece]);
  }
  return pieces;
}

const toldOf = (pieces: readonly SequencePiece[] | undefined): (PromptLogprob | null)[] =>
  (pieces ?? []).flatMap(({ promptLogprobs }) => promptLogprobs ?? []);

/** One logit is 10, 26 are 0. */
const [best, other] = [10, 0].map((logit) => logit - Math.log(Math.exp(10) + 26)) as [number, number];

describe('log probabilities of a prompt', () => {
  it.each([1, 2, 127, 128, 129, 300])('are told of every token behind the first, of %i', async (length) => {
    const scheduler = create(new FakeDecoder(next));
    const ids = promptIds(length);
    scheduler.add(request(1, ids, { promptLogprobs: 1 }));
    const pieces = (await piecesOf(scheduler)).get(1);
    const told = toldOf(pieces);
    expect(told).toHaveLength(length - 1);
    for (const [at, one] of told.entries()) {
      const expected = next([...ids.subarray(0, at + 1)]);
      const given = ids[at + 1]!;
      expect(one).toMatchObject({ id: given, token: String.fromCharCode(96 + given) });
      expect(one?.logprob).toBeCloseTo(given === expected ? best : other, 4);
      expect(one?.top).toMatchObject([{ id: expected, rank: 1 }]);
      expect(one?.rank === 1).toBe(given === expected);
    }
    // In front of the answer, a piece of at most 128 tokens each.
    expect(pieces?.findIndex(({ text }) => text !== '')).toBe(Math.ceil((length - 1) / 128));
    expect(pieces?.map(({ text }) => text).join('')).toHaveLength(2);
  });

  it('are those of a fresh run, whatever is cached', async () => {
    const decoder = new FakeDecoder(next);
    const scheduler = create(decoder, 1000);
    const ids = promptIds(40);
    scheduler.add(request(1, ids));
    await piecesOf(scheduler);
    decoder.passes.length = 0;
    scheduler.add(request(2, ids, { promptLogprobs: 0 }));
    expect(toldOf((await piecesOf(scheduler)).get(2))).toHaveLength(39);
    expect(decoder.passes).toContain('extend 40');
  });

  it('are of the request that asked for them and of no other, and change no answer', async () => {
    const texts = async (promptLogprobs?: number) => {
      const scheduler = create(new FakeDecoder(next));
      scheduler.add(request(1, promptIds(200), promptLogprobs === undefined ? {} : { promptLogprobs }));
      scheduler.add(request(2, promptIds(150)));
      const pieces = await piecesOf(scheduler);
      expect(toldOf(pieces.get(2))).toEqual([]);
      return [1, 2].map((id) =>
        pieces
          .get(id)
          ?.map(({ text }) => text)
          .join(''),
      );
    };
    expect(await texts(3)).toEqual(await texts());
  });

  it('leave out the tokens of images', async () => {
    const scheduler = create(new FakeDecoder(next));
    const ids = Int32Array.from([1, IMAGE, IMAGE, 2]);
    const images = [{ digest: 'a', tokens: 2 }];
    const prompt = { ids, imageTokenId: IMAGE, features: Float32Array.of(3, 3), images };
    scheduler.add(request(1, ids, { prompt, promptLogprobs: 0 }));
    const told = toldOf((await piecesOf(scheduler)).get(1));
    expect(told.map((one) => one?.id ?? null)).toEqual([null, null, 2]);
  });

  it('are told once when the sequence makes room and is run again', async () => {
    // Rows of 30 and 20 tokens fit until each has grown by four.
    const scheduler = create(new FakeDecoder(next, 60));
    const choices = [{ ...greedy, ignoreEos: true, stopTokenIds: [], maxTokens: 20 }];
    scheduler.add(request(1, promptIds(20), { choices }));
    scheduler.add(request(2, promptIds(30), { choices, promptLogprobs: 0 }));
    let preemptions = 0;
    const pieces = await piecesOf(scheduler, (count) => {
      preemptions = count;
    });
    expect(preemptions).toBeGreaterThan(0);
    expect(toldOf(pieces.get(2))).toHaveLength(29);
    expect(pieces.get(2)?.at(-1)).toMatchObject({ completionTokens: 20, end: { finishReason: 'length' } });
  });
});

describe('a budget of no tokens', () => {
  it('runs the prompt, writes nothing and holds no row', async () => {
    const decoder = new FakeDecoder(next);
    const scheduler = create(decoder);
    scheduler.add(request(1, promptIds(5), { choices: [{ ...greedy, maxTokens: 0 }], promptLogprobs: 0 }));
    const pieces = (await piecesOf(scheduler)).get(1);
    expect(toldOf(pieces)).toHaveLength(4);
    expect(pieces?.at(-1)).toEqual({
      index: 0,
      text: '',
      tokenIds: [],
      completionTokens: 0,
      end: { finishReason: 'length', stopReason: null },
    });
    expect(decoder.passes).toEqual(['extend 5']);
    expect(decoder.rows.size).toBe(0);
  });
});
