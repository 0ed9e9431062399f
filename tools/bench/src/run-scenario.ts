import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, type Verdict } from './judge.js';
import { Cleanup } from './processes/cleanup.js';
import { type Bench, type Contender, type Sample, type Scenario, ScenarioSkipped } from './scenario.js';

/** One contender's measurement. */
export interface Measurement {
  readonly round: number;
  readonly contender: string;
  /** Processes that wanted a core in the last minute, other people's included. */
  readonly loadAverage: number;
  readonly sample: Sample;
}

/** What became of a scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly what: string;
  readonly units: Scenario['units'];
  readonly measurements: readonly Measurement[];
  readonly verdicts: readonly Verdict[];
  /** Why there are no measurements, or not all. */
  readonly skipped?: string;
  readonly failed?: string;
}

export interface RunOptions {
  readonly isQuick: boolean;
  /** Instead of the scenario's own number. */
  readonly rounds?: number | undefined;
  readonly signal: AbortSignal;
  /** Told of each measurement, thrown-away ones with round 0. */
  readonly onMeasurement: (measurement: Measurement) => void;
}

/** Every contender in turn, round after round, so that what slows the machine down slows down all of them. */
async function* takeTurns(
  scenario: Scenario,
  contenders: readonly Contender[],
  options: RunOptions,
): AsyncGenerator<Measurement> {
  const rounds = options.rounds ?? (options.isQuick ? 1 : scenario.rounds);
  for (let round = 1 - scenario.warmUpRounds; round <= rounds; round += 1) {
    for (const { name, measure } of contenders) {
      options.signal.throwIfAborted();
      const loadAverage = loadavg()[0] ?? 0;
      yield { round: Math.max(0, round), contender: name, loadAverage, sample: await measure() };
    }
  }
}

/** Runs one scenario and ends everything it started. What goes wrong inside becomes part of the result. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const { name, what, units } = scenario;
  const folder = await mkdtemp(join(tmpdir(), 'fovea-bench-'));
  const cleanup = new Cleanup();
  const bench: Bench = { isQuick: options.isQuick, folder, cleanup, signal: options.signal };
  const measurements: Measurement[] = [];
  let trouble: { skipped?: string; failed?: string } = {};
  try {
    const contenders = await scenario.open(bench);
    for await (const measurement of takeTurns(scenario, contenders, options)) {
      options.onMeasurement(measurement);
      if (measurement.round > 0) measurements.push(measurement);
    }
  } catch (error) {
    options.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    trouble = error instanceof ScenarioSkipped ? { skipped: reason } : { failed: reason };
  } finally {
    await cleanup.run();
    await rm(folder, { recursive: true, force: true });
  }
  const judged = judge(scenario.targets, measurements);
  // Rounds before the failure may look well; a wrong answer is often a fast one.
  const verdicts =
    trouble.failed === undefined ? judged : judged.map((verdict) => ({ ...verdict, isMet: false }));
  return { name, what, units, measurements, verdicts, ...trouble };
}
