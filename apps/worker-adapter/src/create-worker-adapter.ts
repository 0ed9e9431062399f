import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Backend } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import type { FoveaError } from '@fovea/errors';
import type { JobQueue } from '@fovea/job-queue';
import type { ModelRegistry } from '@fovea/model-registry';
import type { AdapterTelemetry, Logger } from '@fovea/observability';
import type { LaneKind } from '@fovea/schemas/jobs';
import type { TokenStream } from '@fovea/token-stream';
import { InterestWatch } from './consumer/interest-watch.js';
import { LaneConsumer } from './consumer/lane-consumer.js';
import { EngineHealth } from './engine/engine-health.js';
import { ServedModels } from './engine/served-models.js';
import { GenerationRunner } from './generation/generation-runner.js';
import { RunningGenerations } from './generation/running-generations.js';
import { Presence } from './presence/presence.js';
import { quietRepeats } from './quiet-repeats.js';
import { Slots } from './slots/slots.js';
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
  readonly backend: Backend;
  /** `ok`, or what state the connection is in. */
  redisState(): string;
}

/** The lanes whose jobs are generations. */
const chatLanes = ['text', 'media'] as const satisfies readonly LaneKind[];
export type ChatLane = (typeof chatLanes)[number];

/** Wires one worker out of its ports; `compose.ts` picks the adapters behind them. */
export function createWorkerAdapter(
  { config, settings, logger, onRefused }: ComposeOptions,
  ports: WorkerPorts,
  telemetry: AdapterTelemetry,
): WorkerAdapter {
  const { stream, blobs, backend, registry } = ports;
  const health = new EngineHealth(backend);
  health.onChange((isFit, reason) => {
    telemetry.engineHealth(isFit);
    if (!isFit) logger.warn({ reason }, 'taking no jobs until the engine is back');
  });
  const served = new ServedModels(settings.file, backend);
  const running = new RunningGenerations();
  const slots = { text: new Slots(settings.textSlots), media: new Slots(settings.mediaSlots) };
  const countSlots = (lane: ChatLane, inUse: number): void =>
    telemetry.slots({ lane, inUse, total: slots[lane].capacity });
  for (const lane of chatLanes) countSlots(lane, 0);
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
    (lane, inUse) => {
      if (lane !== 'embed') countSlots(lane, inUse);
    },
  );
  const presence = new Presence(registry, health, {
    workerId: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
    describe: (signal) => served.describe(signal),
    onRegistered: ({ version, maxModelLen, models }) => {
      logger.info({ version, maxModelLen, models: models.map(({ name }) => name) }, 'registered');
      adapter.startTaking();
    },
    onRefused,
    onError: quietRepeats((err) => logger.warn({ err }, 'could not register or renew presence')),
  });
  const adapter = new WorkerAdapter({
    health,
    presence,
    lanes: createLanes(settings, ports, { health, slots, runner, logger }),
    interest: new InterestWatch(stream, running, {
      onError: quietRepeats((err) => logger.warn({ err }, 'could not read interest leases')),
    }),
    running,
    redisState: () => ports.redisState(),
    logger,
  });
  return adapter;
}

interface LaneParts {
  readonly health: EngineHealth;
  readonly slots: Readonly<Record<ChatLane, Slots>>;
  readonly runner: GenerationRunner;
  readonly logger: Logger;
}

function createLanes(
  { file }: WorkerSettings,
  { queue }: WorkerPorts,
  { health, slots, runner, logger }: LaneParts,
): LaneConsumer[] {
  const checkpoint = file.queue.checkpointName;
  const warn = quietRepeats((err) => logger.warn({ err }, 'queue'));
  return chatLanes.map(
    (kind) =>
      new LaneConsumer(
        { checkpoint, kind },
        {
          queue,
          health,
          slots: slots[kind],
          run: (lease) => runner.run(lease),
          onQueueError: (_lane, error) => warn(error),
        },
      ),
  );
}
