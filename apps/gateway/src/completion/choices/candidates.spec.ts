import type { Logprob } from '@fovea/schemas/events';
import { describe, expect, it } from '@jest/globals';
import { Candidates, type CandidateWishes } from './candidates.js';
import type { CompletionChoice } from './collected-choices.js';

const of = (wishes: Partial<CandidateWishes>): Candidates =>
  new Candidates({ prompts: 1, n: undefined, bestOf: undefined, temperature: 1, echo: false, ...wishes });

const choice = (text: string, ...values: number[]): CompletionChoice => ({
  text,
  logprobs: values.map((logprob): Logprob => ({ token: 't', logprob, bytes: [], top: [] })),
  finishReason: 'stop',
});
const textsOf = (choices: readonly CompletionChoice[]) => choices.map(({ text }) => text);

describe('candidates', () => {
  it.each([
    [{}, { returned: 1, generated: 1, asked: 1, areCompared: false }],
    [{ n: 3 }, { returned: 3, generated: 3, asked: 3, areCompared: false }],
    [
      { n: 2, bestOf: 5 },
      { returned: 2, generated: 5, asked: 5, areCompared: true },
    ],
    [
      { n: 2, bestOf: 5, temperature: 0 },
      { returned: 2, generated: 5, asked: 1, areCompared: false },
    ],
    [
      { n: 2, temperature: 0.000001 },
      { returned: 2, generated: 2, asked: 1, areCompared: false },
    ],
    [
      { n: 2, temperature: undefined },
      { returned: 2, generated: 2, asked: 2, areCompared: false },
    ],
  ])('of %j are %j', (wishes, expected) => {
    expect(of(wishes)).toMatchObject(expected);
  });

  it('are chosen by the log probability per token, for each prompt on its own', () => {
    const candidates = of({ prompts: 2, n: 1, bestOf: 2 });
    expect(candidates.engineChoices).toBe(4);
    const choices = [choice('short', -1), choice('long', -0.8, -0.8), choice('x', -2), choice('y', -3, -3)];
    expect(textsOf(candidates.choose(choices, { promptTokens: 9, completionTokens: 6 }))).toEqual([
      'long',
      'x',
    ]);
  });

  it('are compared without the prompt that stands in front of each', () => {
    const candidates = of({ n: 1, bestOf: 2, echo: true });
    // Three tokens of a likely prompt: with them the longer text would be the likelier one.
    const choices = [choice('a', 0, 0, 0, -1), choice('b', 0, 0, 0, -1.1, -1.1, -0.9)];
    const usage = { promptTokens: 3, completionTokens: 4 };
    expect(textsOf(candidates.choose(choices, usage))).toEqual(['a']);
  });

  it('that are all the same are one, repeated', () => {
    const candidates = of({ prompts: 2, n: 2, bestOf: 4, temperature: 0 });
    const usage = { promptTokens: 9, completionTokens: 3 };
    expect(textsOf(candidates.choose([choice('a', -1), choice('b', -1)], usage))).toEqual([
      'a',
      'a',
      'b',
      'b',
    ]);
    expect(candidates.count(usage)).toEqual({ promptTokens: 9, completionTokens: 12 });
    const end = { type: 'choice-end' as const, index: 1, finishReason: 'stop' as const };
    expect(candidates.spread(end).map(({ index }) => index)).toEqual([2, 3]);
    const last = { type: 'generation-end' as const, usage };
    expect(candidates.spread(last)).toEqual([last]);
  });
});
