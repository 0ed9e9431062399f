import { parseArgs } from 'node:util';
import { ConfigError } from '@fovea/config';
import { WorkerFileError } from '@fovea/model-registry/worker-file';
import { createLogger } from '@fovea/observability';
import { composeWorker } from './compose.js';
import { readWorkerConfig, type WorkerConfig } from './worker.config.js';
import { readWorkerSettings, type WorkerSettings } from './worker-settings.js';

interface Start {
  readonly config: WorkerConfig;
  readonly settings: WorkerSettings;
}

/** Undefined when something is wrong; all of it was then said on stderr. */
async function readStart(): Promise<Start | undefined> {
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' } } });
    const config = readWorkerConfig(process.env);
    return { config, settings: await readWorkerSettings(values.config, config) };
  } catch (error) {
    const isListed = error instanceof ConfigError || error instanceof WorkerFileError;
    process.stderr.write(`${isListed ? error.format() : `worker-adapter: ${messageOf(error)}`}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function main(): Promise<void> {
  const start = await readStart();
  if (start === undefined) return;
  const { config, settings } = start;
  const logger = createLogger({ service: 'worker-adapter', level: config.LOG_LEVEL }).child({
    checkpoint: settings.file.queue.checkpointName,
  });
  for (const warning of settings.file.warnings) logger.warn({ warning }, 'worker file');
  const force = new AbortController();
  let leaving: Promise<void> | undefined;
  const leave = (): void => {
    leaving ??= worker.close({ drainMs: settings.drainMs, force: force.signal }).then(
      () => logger.info('stopped'),
      (error: unknown) => {
        logger.error({ err: error }, 'could not stop cleanly');
        process.exitCode = 1;
      },
    );
  };
  const onRefused = (error: Error): void => {
    logger.error({ err: error }, 'the model package was refused');
    process.exitCode = 1;
    leave();
  };
  const worker = await composeWorker({ config, settings, logger, onRefused });
  const onSignal = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, leaving === undefined ? 'leaving' : 'leaving at once');
    if (leaving === undefined) leave();
    else force.abort();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  worker.start();
  logger.info({ opsPort: worker.opsPort }, 'the worker-adapter runs');
}

main().catch((error: unknown) => {
  process.stderr.write(`the worker-adapter could not start: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
