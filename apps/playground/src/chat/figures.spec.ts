import { describe, expect, it } from '@jest/globals';
import { figuresOf } from './figures.js';

describe('the figures of an answer', () => {
  it('are time to first token, tokens per second, tokens and time in the queue', () => {
    const course = {
      sentAtMs: 1000,
      firstTextAtMs: 1250,
      lastTextAtMs: 3250,
      promptTokens: 1200,
      completionTokens: 101,
      queueTimeMs: 3,
    };
    expect(figuresOf(course).map(({ value, name }) => `${value} ${name}`)).toEqual([
      '250 ms to first token',
      '50 tokens/s',
      '1,200 tokens in',
      '101 tokens out',
      '3 ms queued',
    ]);
  });

  it('leave out what is not known', () => {
    expect(figuresOf({ sentAtMs: 0 })).toEqual([]);
  });

  it('tell no speed of a single token or of an answer in one piece', () => {
    const names = (completionTokens: number, lastTextAtMs: number): string[] =>
      figuresOf({ sentAtMs: 0, firstTextAtMs: 5, lastTextAtMs, completionTokens }).map(({ name }) => name);
    expect(names(1, 99)).not.toContain('tokens/s');
    expect(names(20, 6)).not.toContain('tokens/s');
    expect(names(20, 99)).toContain('tokens/s');
  });
});
