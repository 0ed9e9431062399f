import { describe, expect, it } from '@jest/globals';
import { UsageCount } from './usage-count.js';

describe('UsageCount', () => {
  it('takes the running total of the engine and adds what came after it', () => {
    const count = new UsageCount();
    count.add([
      { type: 'text-delta', index: 0, text: 'a', usage: { promptTokens: 7, completionTokens: 3 } },
      { type: 'text-delta', index: 0, text: 'bc', tokenIds: [4, 5] },
    ]);
    expect(count.usage).toEqual({ promptTokens: 7, completionTokens: 5 });
  });

  it('counts token ids, else one token for each piece of text or reasoning', () => {
    const count = new UsageCount();
    count.add([
      { type: 'generation-start', queueTimeMs: 1, attempt: 1 },
      { type: 'reasoning-delta', index: 0, text: 'hm' },
      { type: 'text-delta', index: 0, text: 'abc', tokenIds: [1, 2, 3] },
      { type: 'text-delta', index: 0, text: 'd' },
      { type: 'text-delta', index: 0, text: '' },
    ]);
    expect(count.usage).toEqual({ promptTokens: 0, completionTokens: 5 });
  });

  it('ends with the totals of the terminal event', () => {
    const count = new UsageCount();
    count.add([
      { type: 'text-delta', index: 0, text: 'a' },
      { type: 'generation-end', usage: { promptTokens: 12, completionTokens: 2 } },
    ]);
    expect(count.usage).toEqual({ promptTokens: 12, completionTokens: 2 });
  });
});
