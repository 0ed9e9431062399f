import { resolve } from 'node:path';
import { Command } from 'commander';
import { type ConnectionOptions, findConnection, gatewayUrlOf } from '../connection.js';
import { Deployment } from '../deployment/deployment.js';
import { exitCodes, Failure, SilentFailure } from '../failure.js';
import { checkWorkerFile } from '../models/validate/check-worker-file.js';
import { findWorkerFiles } from '../models/validate/find-worker-files.js';
import { type Colour, painter } from '../terminal/colour.js';
import { type Terminal, withoutControlCharacters } from '../terminal/terminal.js';
import { checkDisk } from './checks/disk.js';
import { checkEngines } from './checks/engines.js';
import { checkGateway } from './checks/gateway.js';
import { checkPorts } from './checks/ports.js';
import { checkRuntime } from './checks/runtime.js';
import { checkStored } from './checks/stored.js';
import type { Examination } from './examination.js';
import { type Finding, Findings, type Level } from './finding.js';

const checks = [checkRuntime, checkStored, checkDisk, checkEngines, checkGateway, checkPorts];
const colours: Readonly<Record<Level, Colour>> = { ok: 'green', warn: 'yellow', fail: 'red' };
const WORKERS_FOLDER = 'models/workers';

/** Undefined and a finding for what is set and cannot be used; a check says what it misses. */
async function orFinding<T>(read: Promise<T>, findings: Findings): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    findings.fail(error.message, 'Correct the variable that it names.');
    return undefined;
  }
}

async function examine(
  options: ConnectionOptions,
  terminal: Terminal,
  findings: Findings,
): Promise<Examination> {
  const deployment = await Deployment.find(terminal);
  const folder = resolve(
    deployment.checkout ?? terminal.cwd,
    terminal.env.FOVEA_WORKERS?.trim() || WORKERS_FOLDER,
  );
  const files = await findWorkerFiles([folder], terminal.cwd).catch((): string[] => []);
  const redisUrl = await orFinding(deployment.variable('REDIS_URL'), findings);
  return {
    terminal,
    deployment,
    gatewayUrl: gatewayUrlOf(options, terminal),
    connection: await findConnection(options, terminal).catch((error: unknown) => {
      if (error instanceof Failure) return undefined;
      throw error;
    }),
    redisUrl: redisUrl === undefined ? undefined : await orFinding(deployment.redisUrl(), findings),
    blobStoreUrl: await deployment.variable('BLOB_STORE_URL'),
    workersFolder: folder,
    workers: await Promise.all(files.map(checkWorkerFile)),
  };
}

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
      const settings = new Findings('settings');
      const examination = await examine(command.optsWithGlobals<ConnectionOptions>(), terminal, settings);
      const found = await Promise.all(checks.map((check) => check(examination)));
      const findings = [...settings.list, ...found.flat()];
      if (options.json) terminal.stdout.write(`${JSON.stringify(findings)}\n`);
      else print(findings, terminal);
      if (findings.some(({ level }) => level === 'fail')) throw new SilentFailure(exitCodes.failed);
    });
}
