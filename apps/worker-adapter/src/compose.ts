import { createOpenAiHttpBackend } from '@fovea/backends/openai-http';
import type { BlobStore } from '@fovea/blob-store';
import { createBlobStore } from '@fovea/blob-store/from-url';
import type { JobQueue } from '@fovea/job-queue';
import { createBullMqJobQueue } from '@fovea/job-queue/bullmq';
import { createRedisModelRegistry } from '@fovea/model-registry/redis';
import { createAdapterTelemetry, type Logger, startOpsServer } from '@fovea/observability';
import { createRedisQuarantine } from '@fovea/quarantine/redis';
import { connectRedis, type RedisSettings } from '@fovea/redis';
import type { TokenStream } from '@fovea/token-stream';
import { createRedisTokenStream } from '@fovea/token-stream/redis';
import { type ComposeOptions, createWorkerAdapter, type WorkerPorts } from './create-worker-adapter.js';
import { endUnreadable } from './generation/endings/end-unreadable.js';
import { quietRepeats } from './quiet-repeats.js';
import type { DrainOptions } from './worker-adapter.js';

/** A worker with its connections. */
export interface ComposedWorker {
  readonly opsPort: number;
  start(): void;
  /** Drains, then closes the connections, the ops port last. */
  close(options: DrainOptions): Promise<void>;
}

/**
 * The composition root. Rejects when the ops port or the blob store cannot be used; Redis and the engine may come
 * later.
 */
export async function composeWorker(options: ComposeOptions): Promise<ComposedWorker> {
  const { config, settings, logger } = options;
  const telemetry = createAdapterTelemetry(logger);
  const connections = await openConnections(options);
  const adapter = createWorkerAdapter(options, connections, telemetry);
  const ops = await startOpsServer({
    host: config.ADAPTER_OPS_HOST,
    port: settings.opsPort,
    registry: telemetry.registry,
    readiness: () => Promise.resolve(adapter.readiness()),
    logger,
  }).catch(async (error: unknown) => {
    await connections.close();
    throw error;
  });
  return {
    opsPort: ops.port,
    start: () => adapter.start(),
    async close(drain) {
      await adapter.drain(drain);
      await connections.close();
      await ops.close();
    },
  };
}

interface Connections extends WorkerPorts {
  /** In the order of use: queue, log, registry, Redis, engines. */
  close(): Promise<void>;
}

/** A reference of a request that can't run any more; the sweeper of the gateway goes by the same rule. */
const REFERENCE_AGE_FACTOR = 2;

/**
 * Opens everything. Throws when the blob store cannot be used: a folder that is not mounted would fail every
 * request with an image. Redis and the engine may come later.
 */
async function openConnections({ config, settings, logger }: ComposeOptions): Promise<Connections> {
  const blobs = await createBlobStore(config.BLOB_STORE_URL, {
    lingerS: config.BLOB_LINGER_S,
    maxReferenceAgeS: config.REQUEST_TIMEOUT_S * REFERENCE_AGE_FACTOR,
    accessKeyId: config.AWS_ACCESS_KEY_ID,
    secretAccessKey: config.AWS_SECRET_ACCESS_KEY,
    sessionToken: config.AWS_SESSION_TOKEN,
  });
  await blobs.check();
  const redis: RedisSettings = {
    url: settings.redisUrl,
    clientName: 'fovea-worker-adapter',
    onError: quietRepeats((err) => logger.warn({ err }, 'Redis')),
  };
  const client = connectRedis(redis, 'worker');
  const stream = createRedisTokenStream({ redis, role: 'worker', logTtlS: config.LOG_TTL_S });
  const registry = createRedisModelRegistry({ redis, role: 'worker', graceS: config.WORKER_GRACE_S });
  const quarantine = createRedisQuarantine({ redis, role: 'worker' });
  const queue = openQueue(redis, stream, blobs, logger);
  const backends = settings.engineUrls.map((baseUrl) =>
    createOpenAiHttpBackend({
      baseUrl,
      apiKey: settings.engineApiKey,
      maxModelLen: settings.file.generator.maxModelLen,
      // Every slot may hold one, so neither lane waits for a connection of the other.
      connections: settings.textSlots + settings.mediaSlots + settings.embedSlots,
      returnTokenIds: true,
    }),
  );
  return {
    queue,
    stream,
    registry,
    blobs,
    quarantine,
    backends,
    redisState: () => (client.status === 'ready' ? 'ok' : client.status),
    async close() {
      await queue.close();
      await stream.close();
      await registry.close();
      await quarantine.close();
      client.disconnect();
      await Promise.all(backends.map((backend) => backend.close()));
    },
  };
}

function openQueue(redis: RedisSettings, stream: TokenStream, blobs: BlobStore, logger: Logger): JobQueue {
  return createBullMqJobQueue({
    redis,
    role: 'worker',
    onUnreadable: async ({ requestId, reason }) => {
      logger.error({ requestId, reason }, 'job cannot be read');
      await endUnreadable(requestId, stream, blobs);
    },
    onRecovered: ({ kind }, requestIds) =>
      logger.warn({ lane: kind, requestIds }, 'jobs of a lost worker are back in their lane'),
    onError: quietRepeats((err) => logger.warn({ err }, 'queue')),
  });
}
