import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { JobQueue } from '@fovea/job-queue';
import type { Logger } from '@fovea/observability';
import type { GenerationEvent, Usage } from '@fovea/schemas/events';
import type { InferenceJob } from '@fovea/schemas/jobs';
import type { TokenStream } from '@fovea/token-stream';
import { laneOf } from './lane-of.js';

const LOOK_EVERY_MS = 500;
/** Silence is normal while a prompt is long; only then is the queue asked. */
const QUIET_MS = 1_000;
/**
 * Only a lasting loss counts: locks lapse for a moment at a takeover, and all of them while Redis restarts, until
 * the workers have reconnected and renewed them. Another worker, if there is one, is quicker than this.
 */
export const ORPHANED_LOOKS = 4;
const PAGE = 1_000;

/**
 * Looks after one request that has gone quiet.
 *
 * A request whose worker died is normally handed to the next worker, which ends or repeats it. When there is no
 * other worker, this watch ends what had begun, so that the client is not left hanging: `STREAM_INTERRUPTED` with the
 * usage so far. A job that Redis lost (rollback of the last second) before anything was written is enqueued again.
 */
export class OrphanWatch {
  #timer: NodeJS.Timeout | undefined;
  #quietSinceMs = performance.now();
  #orphanedLooks = 0;
  #looking = false;

  constructor(
    private readonly queue: JobQueue,
    private readonly stream: TokenStream,
    private readonly blobs: BlobStore,
    private readonly job: InferenceJob,
    private readonly priority: number,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.#tick(), LOOK_EVERY_MS).unref();
  }

  noteProgress(): void {
    this.#quietSinceMs = performance.now();
    this.#orphanedLooks = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    if (this.#looking || performance.now() - this.#quietSinceMs < QUIET_MS) return;
    this.#looking = true;
    try {
      await this.look();
    } catch (error) {
      this.logger.warn({ requestId: this.job.id, err: error }, 'could not look after a quiet request');
    } finally {
      this.#looking = false;
    }
  }

  /** One look; public so that a test need not wait for the timer. */
  async look(): Promise<void> {
    const state = await this.queue.state(laneOf(this.job), this.job.id);
    if (state === 'waiting' || state === 'running') {
      this.#orphanedLooks = 0;
      return;
    }
    this.#orphanedLooks += 1;
    if (this.#orphanedLooks < ORPHANED_LOOKS) return;
    const log = await this.stream.state(this.job.id);
    if (log.terminal !== undefined) return;
    if (log.hasOutput) await this.#interrupt();
    else if (state === 'absent') {
      this.logger.warn({ requestId: this.job.id }, 'the queue lost a waiting job; enqueued again');
      await this.queue.enqueue(laneOf(this.job), this.job, { priority: this.priority });
    }
  }

  async #interrupt(): Promise<void> {
    const fence = `gateway:${this.job.id}`;
    const log = await this.stream.open(this.job.id, fence);
    if (log.terminal !== undefined) return;
    const usage = await this.#usageSoFar();
    const { message, code } = new FoveaError('STREAM_INTERRUPTED');
    const event: GenerationEvent = {
      type: 'error',
      code,
      message,
      ...(usage === undefined ? {} : { usage }),
    };
    await this.stream.append(this.job.id, fence, [event]);
    await this.queue.remove(laneOf(this.job), this.job.id);
    await this.blobs.release(this.job.id, { linger: true });
  }

  async #usageSoFar(): Promise<Usage | undefined> {
    let usage: Usage | undefined;
    for (let afterId = 0; ; ) {
      const entries = await this.stream.read(this.job.id, afterId, PAGE);
      for (const { events } of entries) {
        for (const event of events) if (event.type === 'text-delta') usage = event.usage ?? usage;
      }
      const last = entries.at(-1);
      if (last === undefined || entries.length < PAGE) return usage;
      afterId = last.id;
    }
  }
}
