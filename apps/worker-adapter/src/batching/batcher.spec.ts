import { setMaxListeners } from 'node:events';
import type { EmbedAnswer, EmbedRequest } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { embedLengths, FakeBackend } from '../fakes/fake-backend.js';
import { embedKind, rerankKind } from './batch-kinds.js';
import { Batcher, type BatchLimits } from './batcher.js';

/** One that all the jobs here share; each of them listens to it. */
const never = new AbortController().signal;
setMaxListeners(0, never);
const limits: BatchLimits = { waitMs: 1, maxInputs: 4 };

describe('a Batcher of embedding jobs', () => {
  let calls: { request: EmbedRequest; signal: AbortSignal }[];
  let script: (request: EmbedRequest) => Promise<EmbedAnswer>;
  let batcher: Batcher<EmbedRequest, EmbedAnswer>;

  const create = (): Batcher<EmbedRequest, EmbedAnswer> => {
    const call = (request: EmbedRequest, signal: AbortSignal): Promise<EmbedAnswer> => {
      calls.push({ request, signal });
      return script(request);
    };
    return new Batcher({ ...embedKind(new FakeBackend()), call }, limits);
  };
  beforeEach(() => {
    calls = [];
    script = embedLengths;
    batcher = create();
  });

  const request = (...inputs: string[]): EmbedRequest => ({ requestId: inputs.join(), model: 'm', inputs });
  const lengths = ({ vectors }: EmbedAnswer): number[] =>
    vectors.map((vector) => Buffer.from(vector, 'base64').readFloatLE(0));
  const called = (): (readonly (string | readonly number[])[])[] => calls.map((call) => call.request.inputs);

  it('keeps prompts of token ids out of the calls of texts', async () => {
    const ids = { requestId: 'ids', model: 'm', inputs: [[7, 8, 9]] };
    const answers = await Promise.all([batcher.run(request('a'), never), batcher.run(ids, never)]);
    expect(called()).toEqual(expect.arrayContaining([['a'], [[7, 8, 9]]]));
    expect(answers.map(lengths)).toEqual([[1], [3]]);
  });

  it('puts what comes together into one call, and gives each job its own vectors', async () => {
    const answers = await Promise.all([
      batcher.run(request('a', 'bb'), never),
      batcher.run(request('ccc'), never),
      batcher.run(request('dddd'), never),
    ]);
    expect(called()).toEqual([['a', 'bb', 'ccc', 'dddd']]);
    expect(answers.map(lengths)).toEqual([[1, 2], [3], [4]]);
  });

  it('shares out the tokens of a call so that none is lost', async () => {
    script = async (all) => ({ ...(await embedLengths(all)), promptTokens: 100 });
    const answers = await Promise.all(['aaa', 'bbb', 'ccc'].map((text) => batcher.run(request(text), never)));
    const shares = answers.map(({ promptTokens }) => promptTokens);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(100);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  });

  it('shares them out evenly when the texts are empty', async () => {
    script = async (all) => ({ ...(await embedLengths(all)), promptTokens: 4 });
    const answers = await Promise.all([batcher.run(request(''), never), batcher.run(request(''), never)]);
    expect(answers.map(({ promptTokens }) => promptTokens)).toEqual([2, 2]);
  });

  it('begins a new call when one is full, and sends a job over the limit alone and whole', async () => {
    await Promise.all([
      batcher.run(request('a', 'b', 'c'), never),
      batcher.run(request('d', 'e'), never),
      batcher.run(request('1', '2', '3', '4', '5'), never),
    ]);
    expect(called()).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
      ['1', '2', '3', '4', '5'],
    ]);
  });

  it('keeps models and lengths of vectors apart', async () => {
    await Promise.all([
      batcher.run(request('a'), never),
      batcher.run({ ...request('b'), model: 'other' }, never),
      batcher.run({ ...request('c'), dimensions: 2 }, never),
      batcher.run(request('d'), never),
    ]);
    expect(called()).toEqual([['a', 'd'], ['b'], ['c']]);
    expect(calls[2]?.request.dimensions).toBe(2);
  });

  it('repeats a refused call for each job alone, so that one bad text harms only its sender', async () => {
    script = async (all) => {
      if (all.inputs.includes('bad')) throw new FoveaError('INVALID_REQUEST');
      return embedLengths(all);
    };
    const [good, bad] = await Promise.allSettled([
      batcher.run(request('fine'), never),
      batcher.run(request('bad'), never),
    ]);
    expect(good).toMatchObject({ status: 'fulfilled' });
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'INVALID_REQUEST' } });
    expect(called()).toEqual([['fine', 'bad'], ['fine'], ['bad']]);
  });

  it('fails for all when the engine fails, without trying again', async () => {
    script = () => Promise.reject(new FoveaError('BACKEND_ERROR'));
    const ends = await Promise.allSettled(['a', 'b'].map((text) => batcher.run(request(text), never)));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toHaveLength(1);
  });

  it('leaves out who is gone before the call', async () => {
    const gone = new AbortController();
    const first = batcher.run(request('a'), gone.signal);
    const second = batcher.run(request('b'), never);
    gone.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    await second;
    expect(called()).toEqual([['b']]);
    await expect(batcher.run(request('c'), gone.signal)).rejects.toThrow('left');
  });

  it('makes no call when all are gone, and a new one for who comes next', async () => {
    const gone = new AbortController();
    const first = batcher.run(request('a'), gone.signal);
    gone.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    await batcher.run(request('b'), never);
    expect(called()).toEqual([['b']]);
  });

  it('ends a call when nobody waits for it any more, not before', async () => {
    let isCalled: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      isCalled = resolve;
    });
    script = () => {
      isCalled();
      return new Promise((_resolve, reject) => {
        calls[0]?.signal.addEventListener('abort', () => reject(calls[0]?.signal.reason));
      });
    };
    const leaving = [new AbortController(), new AbortController()];
    const jobs = leaving.map(({ signal }, at) => batcher.run(request(`${at}`), signal));
    await asked;
    leaving[0]?.abort(new Error('left'));
    await expect(jobs[0]).rejects.toThrow('left');
    expect(calls[0]?.signal.aborted).toBe(false);
    leaving[1]?.abort(new Error('left, too'));
    await expect(jobs[1]).rejects.toThrow('left, too');
    expect(calls[0]?.signal.aborted).toBe(true);
  });
});

describe('a Batcher of rerank jobs', () => {
  const job = (query: string, ...documents: string[]) => ({ requestId: query, model: 'm', query, documents });

  it('puts jobs with different queries into one call of pairs, and gives each its own scores', async () => {
    const backend = new FakeBackend();
    const batcher = new Batcher(rerankKind(backend), limits);
    const answers = await Promise.all([
      batcher.run(job('q1', 'a', 'bb'), never),
      batcher.run(job('q2', 'ccc'), never),
    ]);
    expect(backend.rerankRequests).toMatchObject([
      { query: ['q1', 'q1', 'q2'], documents: ['a', 'bb', 'ccc'] },
    ]);
    expect(answers.map(({ scores }) => scores)).toEqual([[1, 2], [3]]);
    expect(answers.reduce((sum, { promptTokens }) => sum + promptTokens, 0)).toBe(12);
  });

  it('asks for one alone as it came, and for each alone when the engine scores no pairs', async () => {
    const backend = new FakeBackend();
    const plain = backend.rerankScript;
    backend.rerankScript = (request, signal) =>
      typeof request.query === 'string'
        ? plain(request, signal)
        : Promise.reject(new FoveaError('BACKEND_ERROR', { detail: 'no such route' }));
    const batcher = new Batcher(rerankKind(backend), limits);
    const answers = await Promise.all([
      batcher.run(job('q1', 'a'), never),
      batcher.run(job('q2', 'bb'), never),
    ]);
    expect(answers.map(({ scores }) => scores)).toEqual([[1], [2]]);
    expect(backend.rerankRequests.map(({ query }) => query)).toEqual([['q1', 'q2'], 'q1', 'q2']);
  });
});
