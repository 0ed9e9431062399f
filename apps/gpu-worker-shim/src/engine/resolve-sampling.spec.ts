import { describe, expect, it } from '@jest/globals';
import { resolveSampling, type SamplingDefaults } from './resolve-sampling.js';

const model: SamplingDefaults = { maxModelLen: 100, vocabularySize: 50, eosTokenIds: [3] };

const one = (sampling: Parameters<typeof resolveSampling>[0], defaults = model) =>
  resolveSampling(sampling, 1, 40, defaults)[0]!;

describe('sampling settings', () => {
  it('are neutral when neither the request nor the model says anything', () => {
    expect(one({})).toMatchObject({
      temperature: 1,
      topP: 1,
      topK: 0,
      minP: 0,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      minTokens: 0,
      skipSpecialTokens: true,
      stop: [],
      stopTokenIds: [3],
    });
  });

  it("are the request's before the model's own", () => {
    const own = { ...model, temperature: 0.2, top_p: 0.5, top_k: 7, min_p: 0.1, repetition_penalty: 1.2 };
    expect(one({}, own)).toMatchObject({
      temperature: 0.2,
      topP: 0.5,
      topK: 7,
      minP: 0.1,
      repetitionPenalty: 1.2,
    });
    expect(one({ temperature: 0, topP: 1, topK: -1 }, own)).toMatchObject({
      temperature: 0,
      topP: 1,
      topK: 0,
    });
  });

  it('lower the budget to the room the context leaves', () => {
    expect(one({}).maxTokens).toBe(60);
    expect(one({ maxTokens: 1000 }).maxTokens).toBe(60);
    expect(one({ maxTokens: 5 }).maxTokens).toBe(5);
  });

  it('give every choice of a seeded request a seed of its own', () => {
    const seeds = resolveSampling({ seed: 41 }, 3, 1, model).map(({ seed }) => seed);
    expect(seeds).toEqual([41n, 42n, 43n]);
  });

  it('differ from request to request without a seed', () => {
    expect(one({}).seed).not.toBe(one({}).seed);
  });

  it('keep the end token out of the stop tokens when it is ignored', () => {
    expect(one({ ignoreEos: true, stopTokenIds: [9] })).toMatchObject({ stopTokenIds: [9], ignoreEos: true });
    expect(one({ stopTokenIds: [9] }).stopTokenIds).toEqual([3, 9]);
  });

  it('leave log probabilities out unless asked for', () => {
    expect(one({})).not.toHaveProperty('topLogprobs');
    expect(one({ topLogprobs: 0 }).topLogprobs).toBe(0);
  });

  it.each([
    ['logit_bias', { logitBias: new Map([[50, 1]]) }],
    ['stop_token_ids', { stopTokenIds: [50] }],
  ])('refuse a token the model does not have in %s', (param, sampling) => {
    expect(() => one(sampling)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }));
  });
});
