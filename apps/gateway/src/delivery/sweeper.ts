import type { BlobStore } from '@fovea/blob-store';
import type { JobQueue } from '@fovea/job-queue';
import type { ModelRegistry } from '@fovea/model-registry';
import type { Logger } from '@fovea/observability';
import { type Lane, laneKindSchema } from '@fovea/schemas/jobs';
import type { TokenStream } from '@fovea/token-stream';
import type { Delivery } from './delivery.js';
import { takenOutOfUse } from './taken-out-of-use.js';

const SWEEP_EVERY_MS = 5_000;
/** Looking at every blob is work; what is deleted at once does not wait for it. */
const SWEEP_BLOBS_EVERY_MS = 60_000;
const JOBS_PER_LANE = 1_000;

/**
 * Cleans up after gateways and workers that died: jobs that nobody waits for leave their lanes even when no worker is
 * there to take them, and the blob store drops what nobody refers to. Every gateway sweeps; all steps are idempotent.
 */
export class Sweeper {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #blobsSweptAtMs = performance.now();

  constructor(
    private readonly queue: JobQueue,
    private readonly stream: TokenStream,
    private readonly blobs: BlobStore,
    private readonly registry: ModelRegistry,
    private readonly delivery: Delivery,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#running ??= this.sweep()
        .catch((error: unknown) => this.logger.warn({ err: error }, 'a sweep failed'))
        .finally(() => {
          this.#running = undefined;
        });
    }, SWEEP_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async sweep(): Promise<void> {
    for (const checkpoint of new Set((await this.registry.list()).map((entry) => entry.package.checkpoint))) {
      for (const kind of laneKindSchema.options) await this.#sweepLane({ checkpoint, kind });
    }
    if (performance.now() - this.#blobsSweptAtMs < SWEEP_BLOBS_EVERY_MS) return;
    this.#blobsSweptAtMs = performance.now();
    await this.blobs.sweep(Date.now());
  }

  async #sweepLane(lane: Lane): Promise<void> {
    const idle = await this.queue.idle(lane, JOBS_PER_LANE);
    if (idle.length === 0) return;
    const { state } = await this.queue.depth(lane);
    if (state === 'closed') await this.#endWaiting(lane, idle);
    for (const requestId of await this.stream.lapsed(idle)) {
      if (!(await this.queue.remove(lane, requestId))) continue;
      await this.delivery.endUntaken(requestId);
      this.logger.info({ requestId }, 'removed a job that nobody waits for');
    }
  }

  /** Answers the clients whose requests will not run. A job whose worker has died may have begun; it is not looked at. */
  async #endWaiting(lane: Lane, idle: readonly string[]): Promise<void> {
    for (const requestId of idle) {
      if ((await this.queue.state(lane, requestId)) !== 'waiting') continue;
      if (!(await this.queue.remove(lane, requestId))) continue;
      await this.delivery.endUntaken(requestId, takenOutOfUse());
      this.logger.info({ requestId }, 'ended a waiting job of a lane that was taken out of use');
    }
  }
}
