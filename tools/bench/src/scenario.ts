import type { Cleanup } from './processes/cleanup.js';

export type Unit = 'ms' | 'MiB' | 'KiB' | '%' | 'count';

/** What one measurement found, by the name of the measure. */
export type Sample = Readonly<Record<string, number>>;

/** One of those that are compared. */
export interface Contender {
  readonly name: string;
  /** Measures once. Called in turn with the other contenders, never at the same time. */
  measure(): Promise<Sample>;
}

/**
 * What the median of a measure has to keep to: the number itself, or with `relativeTo` its ratio to the same measure of
 * another contender of the same run.
 */
export interface Target {
  readonly what: string;
  readonly contender: string;
  readonly measure: string;
  readonly relativeTo?: string;
  readonly atMost: number;
}

/** What a scenario gets to work with. */
export interface Bench {
  /** Smaller bodies, to see whether everything works. Its numbers mean nothing. */
  readonly isQuick: boolean;
  /** A folder of this run, removed at its end. */
  readonly folder: string;
  /** Holds what has to be ended when the scenario is over. */
  readonly cleanup: Cleanup;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** One comparison: what is measured, how often, and what has to come out. */
export interface Scenario {
  readonly name: string;
  readonly what: string;
  /** Recorded rounds; every contender measures once in each. */
  readonly rounds: number;
  /** Rounds that are thrown away before. 0 where each measurement starts a process of its own. */
  readonly warmUpRounds: number;
  /** The measures in the order they are shown. */
  readonly units: Readonly<Record<string, Unit>>;
  readonly targets: readonly Target[];
  /** Starts what is needed. Throws `ScenarioSkipped` when this machine cannot run it. */
  open(bench: Bench): Promise<readonly Contender[]>;
}

/** A scenario that cannot run here, and why. */
export class ScenarioSkipped extends Error {
  override readonly name = 'ScenarioSkipped';
}
