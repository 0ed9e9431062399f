import { afterEach, describe, expect, it } from '@jest/globals';
import { OverloadLimit, type OverloadRules } from './overload-limit.js';

const never = 1e6;
const rules: OverloadRules = { growEveryMs: never, minPauseMs: never, maxPauseMs: never };

describe('OverloadLimit', () => {
  let limit: OverloadLimit;
  const changed: (() => void)[] = [];
  const create = (changes: Partial<OverloadRules>): void => {
    limit = new OverloadLimit({ ...rules, ...changes }, () => {
      for (const resolve of changed.splice(0)) resolve();
    });
  };
  const change = (): Promise<void> => new Promise((resolve) => changed.push(resolve));
  afterEach(() => limit.stop());

  it('halves the slots with each refusal of a job that came after the last cut, down to one', () => {
    create({});
    expect([limit.of(16), limit.of(1)]).toEqual([16, 1]);
    const seen = Array.from({ length: 8 }, () => {
      limit.refuse(performance.now() + 1);
      return limit.of(16);
    });
    expect(seen).toEqual([8, 4, 2, 1, 1, 1, 1, 1]);
  });

  it('counts the refusals of one burst once', () => {
    create({});
    const enteredAtMs = performance.now();
    for (let refusal = 0; refusal < 10; refusal += 1) limit.refuse(enteredAtMs);
    expect(limit.of(16)).toBe(8);
  });

  it('pauses for what the engine asks, within bounds', async () => {
    create({ minPauseMs: 1, maxPauseMs: 2 });
    const told = change();
    limit.refuse(1, 3_600);
    await told;
    expect(limit.isPaused).toBe(true);
    await change();
    expect(limit.isPaused).toBe(false);
  });

  it('gives the slots back step by step once nothing is refused any more', async () => {
    create({ growEveryMs: 1, minPauseMs: 0, maxPauseMs: 0 });
    limit.refuse(1);
    const seen: number[] = [];
    while (limit.of(16) < 16) {
      seen.push(limit.of(16));
      await change();
    }
    expect([...new Set(seen)]).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  });

  it('gives nothing back before the pause is over', async () => {
    const seen: [boolean, number][] = [];
    await new Promise<void>((resolve) => {
      limit = new OverloadLimit({ growEveryMs: 1, minPauseMs: 5, maxPauseMs: 5 }, () => {
        seen.push([limit.isPaused, limit.of(16)]);
        if (limit.of(16) === 9) resolve();
      });
      limit.refuse(1);
    });
    expect(seen).toEqual([
      [true, 8],
      [false, 8],
      [false, 9],
    ]);
  });
});
