import { summarize, type Verdict } from '../judge.js';
import type { Measurement, ScenarioResult } from '../run-scenario.js';
import type { Scenario } from '../scenario.js';
import type { Machine } from './machine.js';
import { shortNumber, table } from './table.js';

export function showMachine(machine: Machine): string {
  const { cores, processor, memoryGib, kernel, node, redis, commit } = machine;
  return `fovea ${commit} · node ${node} · redis ${redis} · ${cores} × ${processor}, ${memoryGib} GiB · Linux ${kernel}`;
}

/** One line as it happens: `round contender load measures`. */
export function showMeasurement({ round, contender, loadAverage, sample }: Measurement): string {
  const values = Object.entries(sample).map(([name, value]) => `${name} ${shortNumber(value)}`);
  const label = round === 0 ? 'warm-up' : `round ${round}`;
  return `  ${label} · load ${loadAverage.toFixed(1)} · ${contender}: ${values.join(', ')}`;
}

/** Medians of all contenders and measures, each with half its quartile distance. */
function showMedians({ measurements, units }: ScenarioResult): string {
  const names = [...new Set(measurements.map(({ contender }) => contender))];
  const head = [
    'median ± half quartile distance',
    ...Object.entries(units).map(([name, unit]) => `${name}, ${unit}`),
  ];
  const rows = names.map((name) => [
    name,
    ...Object.keys(units).map((measure) => {
      const summary = summarize(measurements, name, measure);
      if (summary === undefined) return '–';
      return `${shortNumber(summary.median)} ± ${(summary.spread * 100).toFixed(0)} %`;
    }),
  ]);
  return table(head, rows);
}

/** The targets with what came out. */
export function showVerdicts(units: Scenario['units'], verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ target, found, isMet }) => {
    const unit = target.relativeTo === undefined ? ` ${units[target.measure] ?? ''}` : ' ×';
    const against = target.relativeTo ?? '';
    const value = found === undefined ? 'not measured' : `${shortNumber(found)}${unit}`;
    return [target.what, against, `≤ ${target.atMost}${unit}`, value, isMet ? 'met' : 'NOT MET'];
  });
  return table(['target', 'against', 'at most', 'found', ''], rows);
}

export function showResult(result: ScenarioResult): string {
  const { measurements, units, verdicts, skipped, failed } = result;
  const lines: string[] = [];
  if (skipped !== undefined) lines.push(`skipped: ${skipped}`);
  if (failed !== undefined) lines.push(`failed: ${failed}`);
  if (measurements.length > 0) lines.push(showMedians(result));
  lines.push(showVerdicts(units, verdicts));
  return lines.join('\n\n');
}
