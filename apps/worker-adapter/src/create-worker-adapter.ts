import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Backend } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import type { FoveaError } from '@fovea/errors';
import type { JobQueue } from '@fovea/job-queue';
import type { ModelRegistry } from '@fovea/model-registry';
import type { AdapterTelemetry, Logger } from '@fovea/observability';
import type { Quarantine } from '@fovea/quarantine';
import type { TokenStream } from '@fovea/token-stream';
import { PoolingRunner } from './batching/run-pooling.js';
import { InterestWatch } from './consumer/interest-watch.js';
import { LaneConsumer } from './consumer/lane-consumer.js';
import { lanesOf } from './consumer/lanes.js';
import { createPool } from './engine/create-pool.js';
import type { EnginePool } from './engine/engine-pool.js';
import { ServedModels } from './engine/served-models.js';
import { BlobRoom } from './generation/blob-room.js';
import { GenerationRunner } from './generation/generation-runner.js';
import { buildGeneration } from './generation/request/build-request.js';
import { RunningGenerations } from './generation/running-generations.js';
import { requestPorts } from './images/request-ports.js';
import { Presence } from './presence/presence.js';
import { quietRepeats } from './quiet-repeats.js';
import { tokensOf } from './slots/job-tokens.js';
import { TokensRunner } from './tokens/run-tokens.js';
import type { WorkerConfig } from './worker.config.js';
import { WorkerAdapter } from './worker-adapter.js';
import type { WorkerSettings } from './worker-settings.js';

export interface ComposeOptions {
  readonly config: WorkerConfig;
  readonly settings: WorkerSettings;
  readonly logger: Logger;
  /** Told when the registry refuses the package for good. */
  readonly onRefused: (error: FoveaError) => void;
}

/** What a worker works with, behind ports. */
export interface WorkerPorts {
  readonly queue: JobQueue;
  readonly stream: TokenStream;
  readonly registry: ModelRegistry;
  readonly blobs: BlobStore;
  readonly quarantine: Quarantine;
  /** One per engine, in the order of the worker file. */
  readonly backends: readonly Backend[];
  /** `ok`, or what state the connection is in. */
  redisState(): string;
}

/** Wires one worker out of its ports; `compose.ts` picks the adapters behind them. */
export function createWorkerAdapter(
  options: ComposeOptions,
  ports: WorkerPorts,
  telemetry: AdapterTelemetry,
): WorkerAdapter {
  const { config, settings, logger, onRefused } = options;
  const { stream, blobs, registry, quarantine } = ports;
  const served = new ServedModels(settings.file, {
    onDifference: (engine, difference) => logger.warn({ engine, difference }, 'engine is left out'),
    imageProcessor: settings.imageProcessor,
  });
  const pool = createPool(options, { backends: ports.backends, quarantine, served, telemetry });
  const running = new RunningGenerations();
  const roomBytes = config.ADAPTER_MAX_IMAGE_BYTES / 2;
  const request = requestPorts(settings, { blobs, roomBytes, telemetry });
  const runner = new GenerationRunner(
    {
      stream,
      blobs,
      quarantine,
      blobRoom: new BlobRoom(roomBytes),
      tokens: new TokensRunner(blobs, settings.file.generator.modelPath),
      pooling: new PoolingRunner(blobs, {
        waitMs: config.ADAPTER_BATCH_WAIT_MS,
        maxInputs: config.ADAPTER_BATCH_INPUTS,
      }),
      buildRequest: (job, model, signal) => buildGeneration(job, model, request, signal),
      servedModel: (engine, name) => served.find(engine.name, name),
      noteFailure: (requestId, engine) => pool.noteFailure(requestId, engine),
      telemetry,
      logger,
    },
    running,
  );
  const presence = new Presence(registry, pool, {
    workerId: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
    describe: async () => served.describe(),
    onRegistered: ({ version, maxModelLen, models, imageProcessor }) => {
      const names = models.map(({ name }) => name);
      logger.info({ version, maxModelLen, models: names, imageProcessor }, 'registered');
      adapter.startTaking();
    },
    onRefused,
    onError: quietRepeats((err) => logger.warn({ err }, 'could not register or renew presence')),
  });
  const adapter = new WorkerAdapter({
    pool,
    presence,
    lanes: createLanes(options, ports, { pool, served, runner }),
    interest: new InterestWatch(stream, running, {
      onError: quietRepeats((err) => logger.warn({ err }, 'could not read interest leases')),
    }),
    running,
    redisState: () => ports.redisState(),
    logger,
  });
  return adapter;
}

function createLanes(
  { settings, logger }: ComposeOptions,
  { queue }: WorkerPorts,
  { pool, served, runner }: LaneParts,
): LaneConsumer[] {
  const checkpoint = settings.file.queue.checkpointName;
  const warn = quietRepeats((err) => logger.warn({ err }, 'queue'));
  const lanes = lanesOf(settings.file.queue.models, settings.file.queue.capabilities);
  if (lanes.length === 0) logger.warn('no model of the worker file supports a task: nothing will be taken');
  return lanes.map(
    (kind) =>
      new LaneConsumer(
        { checkpoint, kind },
        {
          queue,
          room: pool,
          run: (lease) => {
            const tokens = tokensOf(lease.job, served.limitsOf(lease.job.model));
            return runner.run(lease, pool.claim({ requestId: lease.job.id, lane: kind, tokens }));
          },
          onQueueError: (_lane, error) => warn(error),
        },
      ),
  );
}

interface LaneParts {
  readonly pool: EnginePool;
  readonly served: ServedModels;
  readonly runner: GenerationRunner;
}
