import type { Measurement } from './run-scenario.js';
import type { Target } from './scenario.js';
import { median, spread } from './statistics.js';

/** A target held against the medians of a run. */
export interface Verdict {
  readonly target: Target;
  /** The number or ratio that came out; undefined when it was not measured. */
  readonly found: number | undefined;
  readonly isMet: boolean;
}

/** The middle of a contender's rounds and how far they are apart; undefined when it was not measured. */
export function summarize(
  measurements: readonly Measurement[],
  contender: string,
  measure: string,
): { readonly median: number; readonly spread: number } | undefined {
  const values = measurements
    .filter((measurement) => measurement.contender === contender)
    .flatMap(({ sample }) => sample[measure] ?? []);
  if (values.length === 0 || values.some((value) => Number.isNaN(value))) return undefined;
  return { median: median(values), spread: spread(values) };
}

/** Holds the medians against the targets. What was not measured is not met. */
export function judge(targets: readonly Target[], measurements: readonly Measurement[]): Verdict[] {
  return targets.map((target) => {
    const own = summarize(measurements, target.contender, target.measure)?.median;
    const found = target.relativeTo === undefined ? own : ratioTo(target, own, measurements);
    return { target, found, isMet: found !== undefined && found <= target.atMost };
  });
}

function ratioTo(
  { relativeTo = '', measure }: Target,
  own: number | undefined,
  measurements: readonly Measurement[],
): number | undefined {
  const other = summarize(measurements, relativeTo, measure)?.median;
  return own === undefined || other === undefined || other === 0 ? undefined : own / other;
}
