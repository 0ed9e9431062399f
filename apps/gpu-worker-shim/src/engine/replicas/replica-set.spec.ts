import { describe, expect, it } from '@jest/globals';
import type { GenerationRequest } from '../generation-request.js';
import type { SequencePiece } from '../sequence.js';
import { greedy } from '../testing/fake-decoder.js';
import { Mailbox } from '../threads/mailbox.js';
import { ReplicaSet } from './replica-set.js';

type Request = Omit<GenerationRequest, 'id'>;

const end = { finishReason: 'stop', stopReason: null } as const;
const lastPiece: SequencePiece = { index: 0, text: '', tokenIds: [0], completionTokens: 1, end };
const never = new AbortController().signal;

/** A decoder whose answers end when they are told to. */
class ScriptedDecoder {
  isHealthy = true;
  isClosed = false;
  readonly requests: Request[] = [];
  private readonly answers: Mailbox<SequencePiece>[] = [];

  constructor(readonly running: number) {}

  get load() {
    const { running } = this;
    const counts = { preemptions: 3 * running, prefixQueries: 4 * running, prefixHits: 5 * running };
    return { running, cachedTokens: 2 * running, ...counts };
  }

  async *generate(request: Request): AsyncGenerator<SequencePiece, void> {
    const answer = new Mailbox<SequencePiece>();
    this.requests.push(request);
    this.answers.push(answer);
    yield await answer.take();
  }

  finish(at: number): void {
    this.answers[at]?.put(lastPiece);
  }

  die(): void {
    this.isHealthy = false;
    for (const answer of this.answers) answer.fail(new Error('out of memory'));
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function createSet(prefixCacheBytes = 10_000) {
  const decoders = [new ScriptedDecoder(1), new ScriptedDecoder(10)] as const;
  const set = new ReplicaSet(decoders, { bytesPerToken: 1, prefixCacheBytes });
  /** Asks, and resolves with the end of the answer. */
  const ask = async (request: Request): Promise<SequencePiece[]> => {
    const pieces: SequencePiece[] = [];
    for await (const piece of set.generate(request, never)) pieces.push(piece);
    return pieces;
  };
  const counts = () => decoders.map(({ requests }) => requests.length);
  return { decoders, set, ask, counts };
}

/** So many tokens that only prompts of the same seed begin with, and a bound of the answer. */
function request(seed: number, length: number, maxTokens = 1, choices = 1): Request {
  const ids = Int32Array.from({ length }, (_, at) => 1000 * seed + at);
  const prompt = { ids, imageTokenId: -1, features: new Float32Array(), images: [] };
  return { prompt, choices: new Array(choices).fill({ ...greedy, maxTokens }) };
}

describe('decoders side by side', () => {
  it('share requests by tokens, not by number', async () => {
    const { ask, counts } = createSet();
    void ask(request(1, 400));
    for (let seed = 2; seed < 6; seed += 1) void ask(request(seed, 90));
    expect(counts()).toEqual([1, 4]);
    void ask(request(6, 90));
    expect(counts()).toEqual([1, 5]);
    void ask(request(7, 90));
    expect(counts()).toEqual([2, 5]);
  });

  it('count every choice, and of its bound no more than an answer is likely to have', () => {
    const { ask, counts } = createSet();
    void ask(request(1, 10, 100_000, 2));
    void ask(request(2, 10, 100));
    void ask(request(3, 10, 100));
    void ask(request(4, 10, 100));
    expect(counts()).toEqual([1, 3]);
  });

  it('forget the tokens of answers that ended, failed, or were left', async () => {
    const { decoders, set, ask, counts } = createSet(0);
    const long = ask(request(1, 900));
    void ask(request(2, 100));
    decoders[0].finish(0);
    await expect(long).resolves.toEqual([lastPiece]);
    const left = set.generate(request(3, 900), never);
    const first = left.next();
    decoders[0].finish(1);
    await first;
    await left.return();
    void ask(request(4, 50));
    expect(counts()).toEqual([3, 1]);
  });

  it('send a prompt where its beginning is known, unless the others have less to do by more than that', async () => {
    const { decoders, ask, counts } = createSet();
    const first = ask(request(1, 320));
    decoders[0].finish(0);
    await first;
    void ask(request(2, 200));
    expect(counts()).toEqual([2, 0]);
    // 320 tokens are known on the first, which has 201 to do.
    void ask(request(1, 340));
    expect(counts()).toEqual([3, 0]);
    void ask(request(3, 400));
    expect(counts()).toEqual([3, 1]);
    void ask(request(4, 300));
    expect(counts()).toEqual([4, 1]);
    // It has 522 to do there, and 401 here: as 320 of it are known there it goes there still.
    void ask(request(1, 340));
    expect(counts()).toEqual([5, 1]);
  });

  it('know a beginning of another salt or another image for another one', async () => {
    const { decoders, ask, counts } = createSet();
    const withImage = (digest: string, cacheSalt: string): Request => {
      const { prompt, choices } = request(1, 320);
      return {
        prompt: { ...prompt, imageTokenId: 1000, images: [{ digest, tokens: 1 }] },
        choices,
        cacheSalt,
      };
    };
    const first = ask(withImage('a', 's'));
    decoders[0].finish(0);
    await first;
    void ask(request(2, 100));
    void ask(withImage('a', 't'));
    expect(counts()).toEqual([2, 1]);
    void ask(withImage('b', 's'));
    expect(counts()).toEqual([3, 1]);
    void ask(request(3, 50));
    void ask(withImage('a', 's'));
    expect(counts()).toEqual([4, 2]);
  });

  it('fail with what they were doing; the others go on and the whole is not healthy', async () => {
    const { decoders, set, ask, counts } = createSet();
    const lost = ask(request(1, 10));
    const kept = ask(request(2, 100));
    decoders[0].die();
    await expect(lost).rejects.toThrow('out of memory');
    expect(set.isHealthy).toBe(false);
    void ask(request(3, 10));
    expect(counts()).toEqual([1, 2]);
    decoders[1].finish(0);
    await expect(kept).resolves.toHaveLength(1);
  });

  it('tell the sum of what they do, and close together', async () => {
    const { decoders, set } = createSet();
    const sum = { running: 11, cachedTokens: 22, preemptions: 33, prefixQueries: 44, prefixHits: 55 };
    expect(set.load).toEqual(sum);
    expect(set.isHealthy).toBe(true);
    await set.close();
    expect(decoders.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });
});
