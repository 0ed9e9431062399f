import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { JobQueue } from '@fovea/job-queue';
import type { Logger } from '@fovea/observability';
import { isTerminal } from '@fovea/schemas/events';
import type { InferenceJob } from '@fovea/schemas/jobs';
import type { StreamEntry, TokenStream } from '@fovea/token-stream';
import { orUnavailable } from '../http/or-unavailable.js';
import type { InterestKeeper } from './interest-keeper.js';
import { laneOf } from './lane-of.js';
import { OrphanWatch } from './orphan-watch.js';

export interface DeliverOptions {
  readonly priority: number;
  /** Aborted with a catalogue error: the client left (`CLIENT_CLOSED`) or the time is up (`TIMEOUT`). */
  readonly signal: AbortSignal;
}

/**
 * Hands a job to its lane and follows its events.
 *
 * However the caller stops reading, a request that has not ended by then is cancelled in whatever state it is: taken
 * out of the lane, or stopped at the worker down to the engine's socket.
 */
export class Delivery {
  constructor(
    private readonly queue: JobQueue,
    private readonly stream: TokenStream,
    private readonly blobs: BlobStore,
    private readonly interest: InterestKeeper,
    private readonly logger: Logger,
  ) {}

  /** Entries as they come, up to the one with the terminal event. Throws the reason when `signal` aborts. */
  async *run(job: InferenceJob, options: DeliverOptions): AsyncGenerator<StreamEntry> {
    const { signal } = options;
    let ended = false;
    const watch = new OrphanWatch(this.queue, this.stream, this.blobs, job, options.priority, this.logger);
    try {
      await this.#enqueue(job, options);
      watch.start();
      for await (const entry of this.stream.follow(job.id, { signal })) {
        watch.noteProgress();
        ended = entry.events.some(isTerminal);
        yield entry;
      }
      if (!ended) signal.throwIfAborted();
    } finally {
      watch.stop();
      this.interest.letGo(job.id);
      if (!ended) await this.cancel(job);
    }
  }

  /** A job that did not reach its lane has no worker that would release its blobs. */
  async #enqueue(job: InferenceJob, { signal, priority }: DeliverOptions): Promise<void> {
    try {
      signal.throwIfAborted();
      await orUnavailable(this.interest.hold(job.id));
      await orUnavailable(this.queue.enqueue(laneOf(job), job, { priority }));
    } catch (error) {
      await this.blobs.release(job.id, { linger: false });
      throw error;
    }
  }

  /** Ends a request that nobody waits for. Never throws: what Redis does not hear now, the lapsing lease says. */
  async cancel(job: InferenceJob): Promise<void> {
    try {
      await this.stream.cancel(job.id);
      // A job that a worker holds is that worker's to end; it hears the cancel or finds the lease gone.
      if (await this.queue.remove(laneOf(job), job.id)) await this.endUntaken(job.id);
      else if (job.task.kind === 'tokenizer') await this.#dropUnreadFile(job.id);
    } catch (error) {
      this.logger.warn(
        { requestId: job.id, err: error },
        'a cancel did not reach Redis; the lease will lapse',
      );
    }
  }

  /** The worker may have ended meanwhile and left the file that is its answer to us; see its `isLeftToReader`. */
  async #dropUnreadFile(requestId: string): Promise<void> {
    const { terminal } = await this.stream.state(requestId);
    if (terminal !== undefined) await this.blobs.release(requestId, { linger: false });
  }

  /** Writes the end of a request that no worker took, and lets go of what was stored for it. */
  async endUntaken(
    requestId: string,
    { code, message }: FoveaError = new FoveaError('CANCELLED'),
  ): Promise<void> {
    const fence = `gateway:${requestId}`;
    const state = await this.stream.open(requestId, fence);
    if (state.terminal === undefined) {
      await this.stream.append(requestId, fence, [{ type: 'error', code, message }]);
    }
    await this.blobs.release(requestId, { linger: true });
  }
}
