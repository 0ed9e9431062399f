import { Command } from 'commander';
import type { ConnectionOptions } from '../connection.js';
import { exitCodes, SilentFailure } from '../failure.js';
import { type Colour, painter } from '../terminal/colour.js';
import { type Terminal, withoutControlCharacters } from '../terminal/terminal.js';
import type { Finding, Level } from './finding.js';

const colours: Readonly<Record<Level, Colour>> = { ok: 'green', warn: 'yellow', fail: 'red' };

function print(findings: readonly Finding[], terminal: Terminal): void {
  const paint = painter(terminal.stdout, terminal.env);
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  for (const { subject, level, message, fix } of findings) {
    const mark = paint(level.padEnd(4), colours[level]);
    const text = withoutControlCharacters(`${subject.padEnd(width)}  ${message}`);
    terminal.stdout.write(`${mark}  ${text}\n`);
    if (fix !== undefined) {
      terminal.stdout.write(
        `${' '.repeat(width + 8)}${paint(`→ ${withoutControlCharacters(fix)}`, 'dim')}\n`,
      );
    }
  }
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  terminal.stdout.write(`\n${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} to mend.\n`);
}

/** `fovea doctor`. */
export function doctorCommand(terminal: Terminal): Command {
  return new Command('doctor')
    .description(
      'Look at this host and the deployment: versions, Redis, disk, engines, gateway, clocks, leftovers, ports.',
    )
    .option('--json', 'print a JSON array of findings: subject, level, message, fix')
    .addHelpText(
      'after',
      '\nIt changes nothing, and shows no key and no password. Exit code 1 when a finding is `fail`.\n' +
        'Environment: as gateway and workers have it: REDIS_URL, BLOB_STORE_URL, ADAPTER_ENGINE_URL, the ports and times;\n' +
        'FOVEA_WORKERS (the folder of worker files). Inside a checkout where `npm start` runs, all of it is found.\n',
    )
    .action(async (options: { json?: true }, command: Command) => {
      // What it looks with takes a while to load; other commands need none of it.
      const { examine } = await import('./examine.js');
      const findings = await examine(command.optsWithGlobals<ConnectionOptions>(), terminal);
      if (options.json) terminal.stdout.write(`${JSON.stringify(findings)}\n`);
      else print(findings, terminal);
      if (findings.some(({ level }) => level === 'fail')) throw new SilentFailure(exitCodes.failed);
    });
}
