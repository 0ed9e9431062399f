import { ConfigError } from '@fovea/config';
import { createLogger } from '@fovea/observability';
import { createGateway } from './create-gateway.js';
import { type GatewayConfig, readGatewayConfig } from './gateway.config.js';

function readConfigOrExplain(): GatewayConfig | undefined {
  try {
    return readGatewayConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.format()}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

async function main(): Promise<void> {
  const config = readConfigOrExplain();
  if (config === undefined) return;
  const logger = createLogger({ service: 'gateway', level: config.LOG_LEVEL });
  const gateway = await createGateway(config, logger);
  logger.info({ address: gateway.url, opsPort: gateway.opsPort }, 'the gateway listens');
  let closing = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (closing) return;
    closing = true;
    logger.info({ signal }, 'draining');
    gateway.close().then(
      () => logger.info('stopped'),
      (error: unknown) => {
        logger.error({ err: error }, 'could not stop cleanly');
        process.exitCode = 1;
      },
    );
  };
  process.on('SIGHUP', () => {
    try {
      gateway.renewCertificate();
      logger.info('SIGHUP: the certificate has been read again');
    } catch (error) {
      logger.error({ err: error }, 'SIGHUP: the old certificate stays in use');
    }
  });
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `the gateway could not start: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exit(1);
});
