import { describe, expect, it } from '@jest/globals';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { Embeddings } from './embeddings.js';

/** Two floats for each id, which tell it; ids from `known` on make the run fail. */
class FakeSession {
  readonly runs: number[] = [];
  constructor(private readonly known: number) {}

  async run(feeds: { input_ids: Tensor }): Promise<Record<string, Tensor>> {
    const ids = [...(feeds.input_ids.data as BigInt64Array)].map(Number);
    this.runs.push(ids.length);
    if (ids.some((id) => id >= this.known)) throw new Error('indices element out of data bounds');
    const data = Float32Array.from(ids.flatMap((id) => [id, -id]));
    return { inputs_embeds: new Tensor('float32', data, [1, ids.length, 2]) };
  }

  async release(): Promise<void> {}
}

const open = (session: FakeSession, vocabularySize: number) =>
  Embeddings.open(session as unknown as InferenceSession, vocabularySize, 2);

describe('embeddings', () => {
  it('of a small vocabulary are run once, and then found without a run', async () => {
    const session = new FakeSession(100);
    const embeddings = await open(session, 50);
    expect([...(await embeddings.of([7, 49, 7]))]).toEqual([7, -7, 49, -49, 7, -7]);
    expect(session.runs).toEqual([50]);
  });

  it('are the caller’s own, who may write over them', async () => {
    const embeddings = await open(new FakeSession(100), 50);
    (await embeddings.of([3])).fill(9);
    expect([...(await embeddings.of([3]))]).toEqual([3, -3]);
  });

  it('of tokens behind the vocabulary, as those of images may be, are run', async () => {
    const session = new FakeSession(100);
    const embeddings = await open(session, 50);
    expect([...(await embeddings.of([1, 60]))]).toEqual([1, -1, 60, -60]);
    expect(session.runs).toEqual([50, 2]);
    await expect(embeddings.of([100])).rejects.toThrow('out of data bounds');
  });

  it.each([
    ['a vocabulary padded behind the table', 100, 128, [128, 2]],
    ['a large vocabulary', 2 ** 24, 2 ** 24, [2]],
  ])('are run each time with %s', async (_why, known, vocabularySize, runs) => {
    const session = new FakeSession(known);
    const embeddings = await open(session, vocabularySize);
    expect([...(await embeddings.of([5, 6]))]).toEqual([5, -5, 6, -6]);
    expect(session.runs).toEqual(runs);
  });
});
