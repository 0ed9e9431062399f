import './install/require-node.mjs';
import { gatesOf } from './gates/gates.mjs';
import { setUp } from './install/setup.mjs';
import { lastLines } from './processes/log-file.mjs';
import { PartFailure } from './processes/part-failure.mjs';
import { superviseRun } from './processes/supervised-run.mjs';
import { root, stateFolder } from './state-folder.mjs';
import { Progress } from './terminal/progress.mjs';

/** @typedef {import('./processes/supervisor.mjs').Supervisor} Supervisor */
/** @typedef {import('./gates/gates.mjs').Gate} Gate */

const env = process.env;
const progress = new Progress();
/** @type {Gate[]} */
const red = [];

const shownLines = 200;

const exitCode = await superviseRun({ name: 'check', stateFolder, progress, work: check });
for (const { name, advice } of red) progress.say(`${name} is red. Run: ${advice}`);
if (exitCode === 0 && red.length === 0) progress.say('All gates are green.');
process.exitCode = exitCode === 0 && red.length === 0 ? 0 : 1;

/**
 * @param {Supervisor} supervisor
 * @param {AbortSignal} stop
 */
async function check(supervisor, stop) {
  await setUp(supervisor, { root, env, progress, stop, isBuildLeftOut: true });
  for (const gate of gatesOf(root)) {
    if (red.some(({ name }) => name === gate.needs)) {
      progress.say(`  - ${gate.name}: left out until ${gate.needs} is green`);
      continue;
    }
    await passOrNote(supervisor, gate);
  }
}

/**
 * @param {Supervisor} supervisor
 * @param {Gate} gate
 */
async function passOrNote(supervisor, gate) {
  try {
    await progress.step(gate.name, async () => {
      for (const args of gate.commands) await supervisor.run(commandOf(gate, args));
    });
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error;
    red.push(gate);
    progress.say(`\n${lastLines(error.logPath, shownLines).join('\n')}\n`);
  }
}

/**
 * @param {Gate} gate
 * @param {readonly string[]} args
 */
function commandOf(gate, args) {
  return {
    name: `check-${gate.name.replaceAll(' ', '-')}`,
    command: process.execPath,
    args,
    cwd: root,
    env: { ...env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
    stage: 0,
    drainMs: 2_000,
  };
}
