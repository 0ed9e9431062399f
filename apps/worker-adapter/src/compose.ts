import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { FoveaError } from '@fovea/errors';
import {
  type AdapterTelemetry,
  createAdapterTelemetry,
  type Logger,
  startOpsServer,
} from '@fovea/observability';
import { laneKindSchema } from '@fovea/schemas/jobs';
import { type Connections, openConnections } from './connections.js';
import { InterestWatch } from './consumer/interest-watch.js';
import { LaneConsumer } from './consumer/lane-consumer.js';
import { EngineHealth } from './engine/engine-health.js';
import { ServedModels } from './engine/served-models.js';
import { GenerationRunner } from './generation/generation-runner.js';
import { RunningGenerations } from './generation/running-generations.js';
import { Presence } from './presence/presence.js';
import { Slots } from './slots/slots.js';
import type { WorkerConfig } from './worker.config.js';
import { type DrainOptions, WorkerAdapter } from './worker-adapter.js';
import type { WorkerSettings } from './worker-settings.js';

/** A worker with its connections. */
export interface ComposedWorker {
  readonly opsPort: number;
  start(): void;
  /** Drains, then closes the connections, the ops port last. */
  close(options: DrainOptions): Promise<void>;
}

export interface ComposeOptions {
  readonly config: WorkerConfig;
  readonly settings: WorkerSettings;
  readonly logger: Logger;
  /** Told when the registry refuses the package for good. */
  readonly onRefused: (error: FoveaError) => void;
}

/**
 * The composition root. Rejects when the ops port or the blob store cannot be used; Redis and the engine may come
 * later.
 */
export async function composeWorker(options: ComposeOptions): Promise<ComposedWorker> {
  const { config, settings, logger } = options;
  const telemetry = createAdapterTelemetry(logger);
  const connections = await openConnections(config, settings, logger);
  const adapter = createAdapter(options, connections, telemetry);
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

function createAdapter(
  { config, settings, logger, onRefused }: ComposeOptions,
  connections: Connections,
  telemetry: AdapterTelemetry,
): WorkerAdapter {
  const { stream, blobs, backend, registry } = connections;
  const health = new EngineHealth(backend);
  health.onChange((isFit, reason) => {
    telemetry.engineHealth(isFit);
    if (!isFit) logger.warn({ reason }, 'taking no jobs until the engine is back');
  });
  const served = new ServedModels(settings.file, backend);
  const running = new RunningGenerations();
  const slots = { text: new Slots(settings.textSlots), media: new Slots(settings.mediaSlots) };
  const runner = new GenerationRunner(
    {
      stream,
      blobs,
      backend,
      blobRoom: new Slots(config.ADAPTER_MAX_IMAGE_BYTES),
      servedModel: (name) => served.find(name),
      recheckEngine: () => health.recheck(),
      telemetry,
      logger,
    },
    running,
    (lane, inUse) => telemetry.slots({ lane, inUse, total: slots[lane].capacity }),
  );
  const presence = new Presence(registry, health, {
    workerId: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
    describe: (signal) => served.describe(signal),
    onRegistered: ({ version, maxModelLen, models }) => {
      logger.info({ version, maxModelLen, models: models.map(({ name }) => name) }, 'registered');
      adapter.startTaking();
    },
    onRefused,
    onError: (error) => logger.warn({ err: error }, 'could not register or renew presence'),
  });
  const adapter = new WorkerAdapter({
    health,
    presence,
    lanes: createLanes(settings, connections, { health, slots, runner, logger }),
    interest: new InterestWatch(stream, running, {
      onError: (error) => logger.warn({ err: error }, 'could not read interest leases'),
    }),
    running,
    redisState: () => connections.redisState(),
    logger,
  });
  return adapter;
}

interface LaneParts {
  readonly health: EngineHealth;
  readonly slots: Readonly<Record<'text' | 'media', Slots>>;
  readonly runner: GenerationRunner;
  readonly logger: Logger;
}

function createLanes(
  { file }: WorkerSettings,
  { queue }: Connections,
  { health, slots, runner, logger }: LaneParts,
): LaneConsumer[] {
  const checkpoint = file.queue.checkpointName;
  return laneKindSchema.options.map(
    (kind) =>
      new LaneConsumer(
        { checkpoint, kind },
        {
          queue,
          health,
          slots: slots[kind],
          run: (lease) => runner.run(lease),
          onQueueError: (_lane, error) => logger.warn({ err: error, lane: kind }, 'queue'),
        },
      ),
  );
}
