import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type RunOptions, runScenario } from './run-scenario.js';
import { type Bench, type Contender, type Scenario, ScenarioSkipped } from './scenario.js';

const scenarioOf = (open: Scenario['open'], more: Partial<Scenario> = {}): Scenario => ({
  name: 'of a test',
  what: 'nothing',
  rounds: 2,
  warmUpRounds: 1,
  units: { time: 'ms' },
  targets: [{ what: 'time', contender: 'a', measure: 'time', relativeTo: 'b', atMost: 0.5 }],
  open,
  ...more,
});

const optionsOf = (more: Partial<RunOptions> = {}): RunOptions => ({
  isQuick: false,
  signal: new AbortController().signal,
  onMeasurement: () => undefined,
  ...more,
});

const contender = (name: string, time: number, calls: string[]): Contender => ({
  name,
  async measure() {
    calls.push(name);
    return { time };
  },
});

describe('runScenario', () => {
  test('contenders take turns, and warm-up rounds do not count', async () => {
    const calls: string[] = [];
    const open = async () => [contender('a', 1, calls), contender('b', 4, calls)];
    const result = await runScenario(scenarioOf(open), optionsOf());
    expect(calls).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(result.measurements.map(({ round }) => round)).toEqual([1, 1, 2, 2]);
    expect(result.verdicts[0]).toMatchObject({ found: 0.25, isMet: true });
  });

  test('a scenario that fails has met nothing, however well its first rounds were', async () => {
    const calls: string[] = [];
    const broken: Contender = {
      name: 'b',
      async measure() {
        if (calls.push('b') > 5) throw new Error('a wrong answer');
        return { time: 4 };
      },
    };
    const result = await runScenario(
      scenarioOf(async () => [contender('a', 1, calls), broken]),
      optionsOf(),
    );
    expect(result).toMatchObject({ failed: 'a wrong answer' });
    expect(result.verdicts[0]).toMatchObject({ found: 0.25, isMet: false });
  });

  test('everything is ended and removed, whatever happens', async () => {
    let seen: Bench | undefined;
    let isEnded = false;
    const result = await runScenario(
      scenarioOf(async (bench) => {
        seen = bench;
        bench.cleanup.add(() => {
          isEnded = true;
        });
        throw new Error('out of luck');
      }),
      optionsOf(),
    );
    expect(result).toMatchObject({ failed: 'out of luck', measurements: [] });
    expect(result.verdicts[0]?.isMet).toBe(false);
    expect(isEnded).toBe(true);
    expect(existsSync(seen?.folder ?? '')).toBe(false);
  });

  test('a scenario that cannot run here says why', async () => {
    const result = await runScenario(
      scenarioOf(() => Promise.reject(new ScenarioSkipped('no such peer'))),
      optionsOf(),
    );
    expect(result.skipped).toBe('no such peer');
    expect(result.failed).toBeUndefined();
  });

  test('an interrupt ends the run between two measurements, after the cleanup', async () => {
    const interrupt = new AbortController();
    let isEnded = false;
    const running = runScenario(
      scenarioOf(async ({ cleanup }) => {
        cleanup.add(() => {
          isEnded = true;
        });
        return [{ name: 'a', measure: async () => ({ time: 1 }) }];
      }),
      optionsOf({ signal: interrupt.signal, onMeasurement: () => interrupt.abort(new Error('Ctrl-C')) }),
    );
    await expect(running).rejects.toThrow('Ctrl-C');
    expect(isEnded).toBe(true);
  });
});
