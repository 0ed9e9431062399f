import { readFileSync } from 'node:fs';
import { ConfigError } from '@fovea/config';
import { createLogger, type Logger } from '@fovea/observability';
import { z } from 'zod';
import { startShim } from './compose.js';
import { readShimConfig, type ShimConfig } from './config/shim-variables.js';

const packageSchema = z.object({ version: z.string() });
const packageText = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const { version } = packageSchema.parse(JSON.parse(packageText));

function readConfig(): ShimConfig | undefined {
  try {
    return readShimConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.format()}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

async function run(config: ShimConfig, logger: Logger): Promise<void> {
  const shim = await startShim(config, logger, version);
  logger.info({ address: shim.address, version }, 'listening');
  const stop = (signal: string): void => {
    logger.info({ signal }, 'draining');
    shim.close().then(
      () => logger.info('closed'),
      (error: unknown) => {
        logger.error({ err: error }, 'closing failed');
        process.exitCode = 1;
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, stop);
}

const config = readConfig();
if (config !== undefined) {
  const logger = createLogger({ service: 'gpu-worker-shim', level: config.LOG_LEVEL });
  run(config, logger).catch((error: unknown) => {
    logger.fatal({ err: error }, 'cannot start');
    process.exitCode = 1;
  });
}
