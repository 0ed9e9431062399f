import { resolve } from 'node:path';
import { type ConnectionOptions, findConnection, gatewayUrlOf } from '../connection.js';
import { Deployment } from '../deployment/deployment.js';
import { Failure } from '../failure.js';
import { checkWorkerFile } from '../models/validate/check-worker-file.js';
import { findWorkerFiles } from '../models/validate/find-worker-files.js';
import type { Terminal } from '../terminal/terminal.js';
import { checkDisk } from './checks/disk.js';
import { checkEngines } from './checks/engines.js';
import { checkGateway } from './checks/gateway.js';
import { checkPorts } from './checks/ports.js';
import { checkRuntime } from './checks/runtime.js';
import { checkStored } from './checks/stored.js';
import type { Examination } from './examination.js';
import { type Finding, Findings } from './finding.js';

const checks = [checkRuntime, checkStored, checkDisk, checkEngines, checkGateway, checkPorts];
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

async function prepare(
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

/** Looks at everything at once; findings in the order of the checks. */
export async function examine(options: ConnectionOptions, terminal: Terminal): Promise<Finding[]> {
  const settings = new Findings('settings');
  const examination = await prepare(options, terminal, settings);
  const found = await Promise.all(checks.map((check) => check(examination)));
  return [...settings.list, ...found.flat()];
}
