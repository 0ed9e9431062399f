import { describe, expect, it } from '@jest/globals';
import { exampleJob } from '../conformance.js';
import { sumByModel, toTag } from './job-tag.js';

const job = (model: string, expectedTokens?: number) => ({
  ...exampleJob({ checkpoint: 'c', kind: 'text' }),
  model,
  ...(expectedTokens === undefined ? {} : { expectedTokens }),
});

describe('the tags of jobs', () => {
  it('add up by model', () => {
    const tags = [job('a', 5), job('b'), job('a', 7)].map(toTag);
    expect(sumByModel(tags)).toEqual([
      { model: 'a', jobs: 2, tokens: 12 },
      { model: 'b', jobs: 1, tokens: 0 },
    ]);
  });

  it('that an earlier version or nobody has written count as jobs of an unknown model', () => {
    const tags = ['inference', '', '{"model":3}', '{"model":"a","tokens":-1}'];
    expect(sumByModel(tags)).toEqual([{ model: 'unknown', jobs: 4, tokens: 0 }]);
  });
});
