import type { WorkerFileProblem } from '@fovea/model-registry/worker-file';
import { Command } from 'commander';
import { exitCodes, SilentFailure } from '../../failure.js';
import { painter } from '../../terminal/colour.js';
import { type Terminal, withoutControlCharacters } from '../../terminal/terminal.js';
import type { Report } from './report.js';

function problemLine({ where, position, found, expected }: WorkerFileProblem, file: string): string {
  const at = position === undefined ? file : `${file}:${position.line}:${position.column}`;
  return `${at}: ${where}: found ${found}, expected ${expected}`;
}

function print({ file, problems, warnings, offers }: Report, terminal: Terminal): void {
  const paint = painter(terminal.stdout, terminal.env);
  const lines = [
    ...problems.map((problem) => [paint('fail', 'red'), problemLine(problem, file)]),
    ...warnings.map((warning) => [paint('warn', 'yellow'), `${file}: ${warning}`]),
    ...(problems.length === 0 ? [[paint('ok', 'green'), `${file}: ${offers}`]] : []),
  ];
  for (const [mark, text = ''] of lines)
    terminal.stdout.write(`${mark}  ${withoutControlCharacters(text)}\n`);
}

/** `fovea models validate`. */
export function validateCommand(terminal: Terminal): Command {
  return new Command('validate')
    .description(
      'Check worker files: every problem with line and column, and what would be ignored. Asks no server.',
    )
    .argument('<file...>', 'worker files (TOML), or folders of them')
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExit code 1 when a worker-adapter would not start with one of them.\n')
    .action(async (names: readonly string[], options: { json?: true }) => {
      // The parser and the image families take a while to load; other commands need none of it.
      const { reportOn } = await import('./report.js');
      const reports = await reportOn(names, terminal);
      if (options.json) terminal.stdout.write(`${JSON.stringify(reports)}\n`);
      else for (const report of reports) print(report, terminal);
      if (reports.some(({ problems }) => problems.length > 0)) throw new SilentFailure(exitCodes.failed);
    });
}
