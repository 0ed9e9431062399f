import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.js';
import { allScenarios } from './scenarios/all-scenarios.js';

export interface CommandLine {
  readonly scenarios: readonly Scenario[];
  readonly rounds: number | undefined;
  readonly jsonFile: string | undefined;
  readonly isQuick: boolean;
  readonly isGate: boolean;
  readonly isHelp: boolean;
}

export const usage = `node tools/bench/dist/main.js [scenario …] [--rounds N] [--json out.json] [--quick] [--gate]

  --rounds N   recorded rounds of each scenario, instead of its own number
  --json FILE  writes every measurement as JSON
  --quick      small bodies, one round: whether it runs, not how fast
  --gate       exit code 1 when a target is not met or not measured

scenarios (all, if none is named):
${allScenarios.map(({ name, what }) => `  ${name.padEnd(18)} ${what}`).join('\n')}`;

const MAX_ROUNDS = 1000;

/** Throws with a sentence for the user when the arguments make no sense. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      gate: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const named = positionals.map((name) => {
    const scenario = allScenarios.find((candidate) => candidate.name === name);
    if (scenario === undefined) throw new Error(`no scenario is named "${name}"`);
    return scenario;
  });
  return {
    scenarios: named.length === 0 ? allScenarios : named,
    rounds: values.rounds === undefined ? undefined : parseRounds(values.rounds),
    jsonFile: values.json,
    isQuick: values.quick,
    isGate: values.gate,
    isHelp: values.help,
  };
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= MAX_ROUNDS) return rounds;
  throw new Error(`--rounds has to be a whole number from 1 to ${MAX_ROUNDS}, not "${text}"`);
}
