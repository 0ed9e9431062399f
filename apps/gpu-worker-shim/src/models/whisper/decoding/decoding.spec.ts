import { describe, expect, it } from '@jest/globals';
import { compressionRatio, isDoubtful } from './fallback.js';
import { finishedPart, toSegments } from './segments.js';
import { allowTokens, likeliestOf, logprobOf, probabilityOf } from './token-choice.js';
import { initialTokens, type WhisperTokens } from './whisper-tokens.js';

// Words 0 to 4, end 5, start 6, English 7, task 8, no times 9, times from 10.
const tokens: WhisperTokens = {
  start: 6,
  end: 5,
  noTimestamps: 9,
  startOfPrevious: undefined,
  languages: new Map([['en', 7]]),
  transcribe: 8,
  suppressed: [6, 7, 8],
  suppressedFirst: [0],
  maxInitialTimestamp: 2,
};
const logits = (likely: Record<number, number>) =>
  Float32Array.from({ length: 20 }, (_, id) => likely[id] ?? -10);
const choose = (likely: Record<number, number>, written: number[] = [], timestamps = false) =>
  chooseToken(logits(likely), written, timestamps).id;

function chooseToken(values: Float32Array, written: number[], timestamps: boolean) {
  allowTokens(values, written, timestamps, tokens);
  const id = values.indexOf(Math.max(...values));
  return { id, logprob: logprobOf(values, id) };
}

describe('the choice of a token', () => {
  it('is the likeliest, with its probability among those allowed', () => {
    expect(choose({ 3: 2, 4: 3 }, [1])).toBe(4);
    const values = Float32Array.of(0, 0, 0, Math.log(2), 0, 0, 9, 9, 9);
    const { id, logprob } = chooseToken(values, [1], false);
    expect([id, Math.exp(logprob)]).toEqual([3, expect.closeTo(2 / 7, 5)]);
  });

  it('is never one that is suppressed, and not some at first', () => {
    expect(choose({ 6: 9, 7: 8, 8: 7, 0: 6, 1: 5 })).toBe(1);
    expect(choose({ 6: 9, 7: 8, 8: 7, 0: 6, 1: 5 }, [1])).toBe(0);
  });

  it('begins with a time that is not too late', () => {
    expect(choose({ 1: 9, 15: 8, 12: 3 }, [], true)).toBe(12);
  });

  it('has times in pairs', () => {
    // A begin is followed by a word, an end by the next begin or the end.
    expect(choose({ 11: 9, 2: 1 }, [10], true)).toBe(2);
    expect(choose({ 2: 9, 12: 1 }, [10, 1, 11], true)).toBe(12);
    expect(choose({ 2: 9, 5: 1 }, [10, 1, 11], true)).toBe(5);
    expect(choose({ 12: 9, 2: 1 }, [10, 1, 11, 12], true)).toBe(2);
  });

  it('is a time when times together are likelier than every word', () => {
    const many = Object.fromEntries([10, 11, 12, 13, 14].map((id) => [id, 1]));
    expect(choose({ ...many, 13: 1.1, 2: 2 }, [10, 1], true)).toBe(13);
    expect(choose({ 13: 1.1, 2: 2 }, [10, 1], true)).toBe(2);
  });

  it('never tells that there are no times', () => {
    expect(choose({ 9: 9, 2: 1 }, [10, 1], true)).toBe(2);
  });

  it('compares some tokens, or tells how likely one is', () => {
    expect(likeliestOf(logits({ 1: 9, 2: 5, 3: 6 }), [2, 3])).toBe(3);
    expect(likeliestOf(logits({}), [])).toBeUndefined();
    expect(probabilityOf(Float32Array.of(0, 0, 0, 0), 1)).toBeCloseTo(0.25, 6);
    expect(probabilityOf(Float32Array.of(0), 7)).toBe(0);
  });
});

describe('the first tokens', () => {
  it('tell language, task and whether there are times', () => {
    expect(initialTokens(tokens, 'en', true)).toEqual([6, 7, 8]);
    expect(initialTokens(tokens, 'en', false)).toEqual([6, 7, 8, 9]);
    const english = { ...tokens, languages: new Map<string, number>(), transcribe: undefined };
    expect(initialTokens(english, 'en', false)).toEqual([6, 9]);
  });
});

describe('segments', () => {
  const segmentsOf = (ids: number[]) =>
    toSegments(
      {
        choices: ids.map((id) => ({ id, logprob: -id })),
        timestampBegin: 10,
        noSpeechProb: 0.25,
        temperature: 0,
        durationS: 0.2,
      },
      (words) => `words ${words.join()}`,
    ).map(({ start, end, text, tokens: words, avgLogprob }) => ({ start, end, text, words, avgLogprob }));

  it('lie between two times', () => {
    expect(segmentsOf([10, 1, 3, 12, 13, 2, 14])).toEqual([
      { start: 0, end: 0.04, text: 'words 1,3', words: [1, 3], avgLogprob: -2 },
      { start: 0.06, end: 0.08, text: 'words 2', words: [2], avgLogprob: -2 },
    ]);
  });

  it('end with the window when nothing else ends them, and never after it', () => {
    expect(segmentsOf([10, 1])).toMatchObject([{ start: 0, end: 0.2, words: [1] }]);
    expect(segmentsOf([10, 1, 90])).toMatchObject([{ end: 0.2 }]);
    expect(segmentsOf([1, 11])).toMatchObject([{ start: 0, end: 0.02 }]);
  });

  it('are none without words, and never end before they begin', () => {
    expect(segmentsOf([])).toEqual([]);
    expect(segmentsOf([10, 11, 12])).toEqual([]);
    expect(segmentsOf([14, 1, 11])).toMatchObject([{ start: 0.08, end: 0.08 }]);
  });
});

describe('the part of a window that counts when sound follows', () => {
  const part = (ids: number[]) => {
    const { choices, seekS } = finishedPart(
      ids.map((id) => ({ id, logprob: 0 })),
      10,
    );
    return [choices.map(({ id }) => id), seekS];
  };

  it('ends with the last finished segment, where the next window begins', () => {
    expect(part([10, 1, 60, 60, 2, 3])).toEqual([[10, 1, 60], 1]);
    expect(part([10, 1, 60, 60, 2, 110, 110])).toEqual([[10, 1, 60, 60, 2, 110], 2]);
  });

  it('is all of it where nothing was being said at its end, or where no segment has ended', () => {
    expect(part([10, 1, 60, 60, 2, 110])).toEqual([[10, 1, 60, 60, 2, 110], undefined]);
    expect(part([10, 1, 2])).toEqual([[10, 1, 2], undefined]);
    expect(part([])).toEqual([[], undefined]);
  });
});

describe('a text', () => {
  const sure = { avgLogprob: -0.2, noSpeechProb: 0 };

  it('is doubtful when it repeats itself or is unlikely', () => {
    expect(compressionRatio('no no no '.repeat(30))).toBeGreaterThan(2.4);
    expect(isDoubtful({ ...sure, text: 'no no no '.repeat(30) })).toBe(true);
    expect(isDoubtful({ ...sure, text: 'Everything is well.' })).toBe(false);
    expect(isDoubtful({ ...sure, avgLogprob: -1.1, text: 'Everything is well.' })).toBe(true);
  });

  it('is not doubtful where nobody seems to speak: it is dropped', () => {
    expect(isDoubtful({ text: 'you', avgLogprob: -1.1, noSpeechProb: 0.7 })).toBe(false);
  });
});
