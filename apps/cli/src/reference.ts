import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { deploymentPorts } from './compose.js';
import { createProgram } from './program.js';

/** What `--help` prints of one command. */
export interface CommandHelp {
  /** `fovea queues drain`. */
  readonly name: string;
  readonly text: string;
}

const WIDTH = 110;

function helpOf(command: Command, name: string): CommandHelp[] {
  let text = '';
  command.configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  const children = command.commands.flatMap((child) => helpOf(child, `${name} ${child.name()}`));
  return [{ name, text: text.trimEnd() }, ...children];
}

/** Every command in the order of the help, a group before its own; for the generated page. Runs none of them. */
export function commandHelps(): CommandHelp[] {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const program = createProgram({
    stdin: Readable.from([]),
    stdout: nowhere,
    stderr: nowhere,
    cwd: '/',
    env: {},
    signal: new AbortController().signal,
    ports: deploymentPorts,
  });
  return helpOf(program, program.name());
}
