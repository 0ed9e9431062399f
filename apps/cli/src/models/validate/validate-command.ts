import { relative } from 'node:path';
import type { WorkerFileProblem } from '@fovea/model-registry/worker-file';
import { Command } from 'commander';
import { exitCodes, SilentFailure } from '../../failure.js';
import { painter } from '../../terminal/colour.js';
import { type Terminal, withoutControlCharacters } from '../../terminal/terminal.js';
import { checkWorkerFile } from './check-worker-file.js';
import { findWorkerFiles } from './find-worker-files.js';
import { nameConflicts } from './name-conflicts.js';

interface Report {
  readonly file: string;
  readonly problems: readonly WorkerFileProblem[];
  readonly warnings: readonly string[];
  /** `name version n: model, model`; null when the file cannot be used. */
  readonly offers: string | null;
}

function shortest(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith('..') ? path : below;
}

async function reportOn(names: readonly string[], terminal: Terminal): Promise<Report[]> {
  const paths = await findWorkerFiles(names, terminal.cwd);
  const checked = await Promise.all(paths.map(checkWorkerFile));
  const conflicts = nameConflicts(checked);
  return checked.map((each) => {
    const { path, file, problems, warnings } = each;
    const offered = file?.queue.models.map(({ name }) => name).join(', ');
    return {
      file: shortest(path, terminal.cwd),
      problems: [...problems, ...(conflicts.get(each) ?? [])],
      warnings,
      offers:
        file === undefined ? null : `${file.queue.checkpointName} version ${file.queue.version}: ${offered}`,
    };
  });
}

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
      const reports = await reportOn(names, terminal);
      if (options.json) terminal.stdout.write(`${JSON.stringify(reports)}\n`);
      else for (const report of reports) print(report, terminal);
      if (reports.some(({ problems }) => problems.length > 0)) throw new SilentFailure(exitCodes.failed);
    });
}
