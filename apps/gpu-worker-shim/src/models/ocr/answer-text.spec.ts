import { describe, expect, it } from '@jest/globals';
import { AnswerText } from './answer-text.js';

describe('AnswerText', () => {
  it('counts characters as tokens, a surrogate pair as one', () => {
    const answer = new AnswerText({}, 100);
    expect(answer.add('a𝄞')).toEqual({ text: 'a𝄞', completionTokens: 2 });
    expect(answer.add('\nb')).toEqual({ text: '\nb', completionTokens: 4 });
    expect(answer.finish()).toEqual({
      text: '',
      completionTokens: 4,
      end: { finishReason: 'stop', stopReason: null },
    });
  });

  it('ends with "length" only when something is left unsaid', () => {
    const length = { finishReason: 'length', stopReason: null };
    expect(new AnswerText({}, 3).add('abcd')).toEqual({ text: 'abc', completionTokens: 3, end: length });
    const exact = new AnswerText({}, 3);
    expect(exact.add('abc').end).toBeUndefined();
    expect(exact.finish().end).toEqual({ finishReason: 'stop', stopReason: null });
    const full = new AnswerText({}, 3);
    full.add('abc');
    expect(full.add('\nd')).toEqual({ text: '', completionTokens: 3, end: length });
  });

  it('ends before a stop string, also when it spans two lines, and gives nothing of it out', () => {
    const answer = new AnswerText({ stop: ['\nTotal'] }, 100);
    expect(answer.add('Tea 3.20').text).toBe('Tea 3.20');
    expect(answer.add('\nTo')).toMatchObject({ text: '' });
    expect(answer.add('tal')).toMatchObject({
      text: '',
      end: { finishReason: 'stop', stopReason: '\nTotal' },
    });
  });

  it('gives held back text out when the stop string does not come', () => {
    const answer = new AnswerText({ stop: ['xyz'], includeStopString: true }, 100);
    expect(answer.add('a xy').text).toBe('a ');
    expect(answer.finish().text).toBe('xy');
  });
});
