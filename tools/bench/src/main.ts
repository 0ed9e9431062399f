import { setMaxListeners } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { parseCommandLine, usage } from './command-line.js';
import { describeMachine } from './report/machine.js';
import { showMachine, showMeasurement, showResult } from './report/show.js';
import { runScenario, type ScenarioResult } from './run-scenario.js';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function main(): Promise<void> {
  const options = parseCommandLine(process.argv.slice(2));
  if (options.isHelp) return say(usage);
  const interrupt = new AbortController();
  // Each request listens to it, and there are thousands.
  setMaxListeners(0, interrupt.signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
  }
  const machine = await describeMachine();
  const startedAt = new Date().toISOString();
  say(showMachine(machine));
  if (options.isQuick) say('Quick run: the numbers mean nothing.');
  const results: ScenarioResult[] = [];
  for (const scenario of options.scenarios) {
    say(`\n## ${scenario.name}\n${scenario.what}\n`);
    const result = await runScenario(scenario, {
      isQuick: options.isQuick,
      rounds: options.rounds,
      signal: interrupt.signal,
      onMeasurement: (measurement) => say(showMeasurement(measurement)),
    });
    results.push(result);
    say(`\n${showResult(result)}`);
  }
  if (options.jsonFile !== undefined) {
    const report = { startedAt, isQuick: options.isQuick, machine, scenarios: results };
    await writeFile(options.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  const isGreen = results.every(({ verdicts }) => verdicts.every(({ isMet }) => isMet));
  say(isGreen ? '\nAll targets are met.' : '\nNot all targets are met.');
  if (options.isGate && !isGreen) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
