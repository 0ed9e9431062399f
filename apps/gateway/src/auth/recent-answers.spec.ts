import { describe, expect, it } from '@jest/globals';
import { RecentAnswers } from './recent-answers.js';

describe('RecentAnswers', () => {
  let nowMs = 0;
  let asked = 0;
  const ask = () => Promise.resolve(++asked);
  const recent = (capacity = 10) => {
    nowMs = 0;
    asked = 0;
    return new RecentAnswers<number>(1_000, capacity, () => nowMs);
  };

  it('asks once for all who come within the time, and again after it', async () => {
    const answers = recent();
    expect(await Promise.all([answers.get('a', ask), answers.get('a', ask)])).toEqual([1, 1]);
    nowMs = 1_000;
    expect(await answers.get('a', ask)).toBe(1);
    nowMs = 1_001;
    expect(await answers.get('a', ask)).toBe(2);
  });

  it('counts the age from the question, however long the answer takes', async () => {
    const answers = recent();
    let answer: (value: number) => void = () => undefined;
    const slow = answers.get('a', () => new Promise((resolve) => (answer = resolve)));
    nowMs = 1_500;
    answer(-1);
    expect(await slow).toBe(-1);
    expect(await answers.get('a', ask)).toBe(1);
  });

  it('keeps no failure', async () => {
    const answers = recent();
    await expect(answers.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await answers.get('a', ask)).toBe(1);
  });

  it('keeps so many answers and drops the one asked for longest ago', async () => {
    const answers = recent(2);
    for (const question of ['a', 'b', 'c']) await answers.get(question, ask);
    expect(await answers.get('b', ask)).toBe(2);
    expect(await answers.get('c', ask)).toBe(3);
    expect(await answers.get('a', ask)).toBe(4);
  });

  it('forgets all when told to', async () => {
    const answers = recent();
    await answers.get('a', ask);
    answers.clear();
    expect(await answers.get('a', ask)).toBe(2);
  });
});
