import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import { JobQueue, LaneControl } from '@fovea/job-queue';
import { ModelRegistry } from '@fovea/model-registry';
import {
  createGatewayTelemetry,
  type Logger,
  type OpsServer,
  registerQueueGauges,
  startOpsServer,
} from '@fovea/observability';
import { Quarantine } from '@fovea/quarantine';
import { TokenStream } from '@fovea/token-stream';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AppModule } from './app.module.js';
import { ApiKeyStore } from './auth/api-key-store.js';
import { KeyRing } from './auth/key-ring.js';
import { InterestKeeper } from './delivery/interest-keeper.js';
import { Sweeper } from './delivery/sweeper.js';
import { FileCatalogue } from './files/file-catalogue.js';
import type { GatewayConfig } from './gateway.config.js';
import { createClientErrorHandler } from './http/client-error.js';
import { installDoor, type OnTurnedAway } from './http/door.js';
import { installEarlyAnswer } from './http/early-answer.js';
import { endConnectionsOnClose } from './http/end-connections-on-close.js';
import { ErrorFilter } from './http/error-filter.js';
import { createHttpServer } from './http/http-server.js';
import { LoggerBridge } from './http/logger-bridge.js';
import { readTlsFiles, type TlsFiles } from './http/tls-files.js';
import { createUnroutedHandler } from './http/unrouted.js';
import { TextParser } from './ingest/text/text-parser.js';
import { RequestJournal } from './journal/request-journal.js';
import { openApiDocument } from './openapi/document.js';
import { readQueueLoad } from './ops/read-queue-load.js';
import { installPlayground } from './playground/install-playground.js';
import { playgroundFolder, readPageFiles } from './playground/page-files.js';

/** A gateway that listens. */
export interface Gateway {
  readonly url: string;
  readonly opsPort: number;
  /**
   * Reads the certificate and its key again, for connections from now on; without TLS it does nothing. Throws when the
   * files are not good, and the old ones stay in use.
   */
  renewCertificate(): void;
  /** Readiness turns false, running requests finish, then everything is freed. */
  close(): Promise<void>;
}

const tlsFilesOf = ({ GATEWAY_TLS_CERT: cert, GATEWAY_TLS_KEY: key }: GatewayConfig): TlsFiles | undefined =>
  cert === undefined || key === undefined ? undefined : { cert, key };

function createAdapter(config: GatewayConfig, logger: Logger, onTurnedAway: OnTurnedAway): FastifyAdapter {
  const files = tlsFilesOf(config);
  const tls = files === undefined ? undefined : readTlsFiles(files);
  const headersTimeoutMs = config.GATEWAY_HEADERS_TIMEOUT_S * 1000;
  return new FastifyAdapter({
    serverFactory: (handler: RequestListener) => createHttpServer(handler, { tls, headersTimeoutMs }),
    bodyLimit: config.GATEWAY_MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 512 },
    clientErrorHandler: createClientErrorHandler(onTurnedAway),
    frameworkErrors: createUnroutedHandler(logger, onTurnedAway),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  });
}

/**
 * The plugin's own policy upgrades requests to HTTPS, which leaves the page blank where the API is served over plain
 * HTTP, and names hosts elsewhere. The viewer needs inline styles; scripts come from here alone.
 */
const DOCS_CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "base-uri 'self'",
  "frame-ancestors 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "style-src 'self' 'unsafe-inline'",
].join('; ');

async function installDocs(fastify: FastifyInstance): Promise<void> {
  // The plugin types its own document; ours is built from the schemas and checked by a test.
  const document = JSON.parse(JSON.stringify(openApiDocument()));
  await fastify.register(swagger, { mode: 'static', specification: { document } });
  await fastify.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_CONTENT_SECURITY_POLICY,
    uiConfig: { docExpansion: 'list', deepLinking: true },
    theme: {
      title: 'Fovea API',
      css: [{ filename: 'plain.css', content: '.swagger-ui .topbar { display: none }' }],
    },
  });
}

async function readiness(
  app: NestFastifyApplication,
): Promise<{ ready: boolean; checks: Record<string, string> }> {
  const checks: Record<string, string> = {};
  const probe = async (name: string, run: () => Promise<unknown>): Promise<void> => {
    try {
      await run();
      checks[name] = 'ok';
    } catch (error) {
      checks[name] = FoveaError.from(error).code;
    }
  };
  await Promise.all([
    probe('redis', () => app.get(TokenStream).lapsed(['readiness'])),
    probe('blobStore', () => app.get(BlobStore).check()),
  ]);
  return { ready: Object.values(checks).every((state) => state === 'ok'), checks };
}

export async function createGateway(config: GatewayConfig, logger: Logger): Promise<Gateway> {
  const telemetry = createGatewayTelemetry(logger);
  const onTurnedAway: OnTurnedAway = (refusal) => telemetry.turnedAway(refusal);
  const adapter = createAdapter(config, logger, onTurnedAway);
  const fastify: FastifyInstance = adapter.getInstance();
  installEarlyAnswer(fastify);
  endConnectionsOnClose(fastify, logger, onTurnedAway);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.register(config, logger, telemetry),
    adapter,
    {
      bodyParser: false,
      logger: new LoggerBridge(logger),
    },
  );
  installDoor(fastify, app.get(KeyRing), logger, onTurnedAway);
  if (config.CORS_ORIGINS.length > 0) {
    app.enableCors({
      origin: [...config.CORS_ORIGINS],
      exposedHeaders: ['x-request-id', 'x-queue-time-ms', 'x-ignored-params', 'retry-after'],
    });
  }
  app.useGlobalFilters(new ErrorFilter(logger, onTurnedAway));
  await installDocs(fastify);
  if (config.PLAYGROUND === 'on') installPlayground(fastify, readPageFiles(playgroundFolder()));
  await app.get(BlobStore).check();
  app.get(InterestKeeper).start();
  app.get(Sweeper).start();
  const readLoad = () => readQueueLoad(app.get(ModelRegistry), app.get(LaneControl));
  registerQueueGauges(telemetry.registry, readLoad, logger);
  await app.listen(config.GATEWAY_PORT, config.GATEWAY_HOST);

  let draining = false;
  const ops: OpsServer = await startOpsServer({
    host: config.GATEWAY_OPS_HOST,
    port: config.GATEWAY_OPS_PORT,
    registry: telemetry.registry,
    readiness: async () => (draining ? { ready: false, checks: { draining: 'yes' } } : readiness(app)),
  });
  return {
    url: await app.getUrl(),
    opsPort: ops.port,
    renewCertificate() {
      const files = tlsFilesOf(config);
      const server: unknown = app.getHttpServer();
      if (files !== undefined && server instanceof TlsServer) server.setSecureContext(readTlsFiles(files));
    },
    async close() {
      draining = true;
      await app.close();
      app.get(InterestKeeper).stop();
      await app.get(Sweeper).stop();
      await app.get(TextParser).close();
      await app.get(JobQueue).close();
      await app.get(LaneControl).close();
      await app.get(TokenStream).close();
      await app.get(ModelRegistry).close();
      await app.get(Quarantine).close();
      await app.get(FileCatalogue).close();
      await app.get(ApiKeyStore).close();
      await app.get(RequestJournal).close();
      await ops.close();
    },
  };
}
