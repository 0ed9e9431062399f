import type { Generation as EngineRequest } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { Lease } from '@fovea/job-queue';
import type { AdapterTelemetry, Logger } from '@fovea/observability';
import { condemned } from '@fovea/quarantine';
import { type GenerationEvent, isTerminal } from '@fovea/schemas/events';
import type { InferenceJob } from '@fovea/schemas/jobs';
import { createCoalescingWriter, type TokenStream, type TokenWriter } from '@fovea/token-stream';
import { isPooling, type PoolingRunner } from '../batching/run-pooling.js';
import type { Claim, Place } from '../engine/claim.js';
import type { Engine } from '../engine/engine.js';
import { pause } from '../pause.js';
import { isTokens, type TokensRunner } from '../tokens/run-tokens.js';
import type { BlobRoom } from './blob-room.js';
import { countEarlierAttempt } from './endings/earlier-attempt.js';
import { type Ending, endingOfFailure, endingOfStop, isOverload, MAX_ATTEMPTS } from './endings/ending.js';
import { reportSettled } from './endings/report-settled.js';
import { type Settled, settle } from './endings/settle.js';
import { GenerationTiming } from './generation-timing.js';
import { GuardedRun, type GuardedRunParts } from './guarded-run.js';
import { type GenerationJob, isGeneration } from './request/build-request.js';
import { heldBytes } from './request/held-bytes.js';
import type { ServedModel } from './request/request-source.js';
import { Cleanups } from './triggers/cleanups.js';
import { GenerationStop } from './triggers/generation-stop.js';
import { stopAtDeadline, stopWhenCancelled, stopWhenLost } from './triggers/stop-triggers.js';
import { UsageCount } from './usage-count.js';

export interface GenerationPorts {
  readonly stream: TokenStream;
  readonly blobs: BlobStore;
  readonly blobRoom: BlobRoom;
  readonly quarantine: GuardedRunParts['quarantine'];
  /** What the engine gets; as `buildGeneration`. */
  readonly buildRequest: (
    job: GenerationJob,
    model: ServedModel,
    signal: AbortSignal,
  ) => Promise<EngineRequest>;
  /** Runs jobs that generate nothing. */
  readonly pooling: Pick<PoolingRunner, 'run'>;
  readonly tokens: Pick<TokensRunner, 'run'>;
  /** What an engine calls a model of this worker's package; undefined when the package does not offer it. */
  readonly servedModel: (engine: Engine, name: string) => ServedModel | undefined;
  /** Told that an engine failed a job before any output: its next attempt prefers another one. */
  readonly noteFailure: (requestId: string, engine: Engine) => void;
  readonly telemetry: Pick<
    AdapterTelemetry,
    'jobTaken' | 'tokenGap' | 'generationFinished' | 'leaseLost' | 'engineRefused'
  >;
  readonly logger: Logger;
}

const RETRY_PAUSE_MS = 250;

const aboutJob = ({ id, model, lane }: Pick<InferenceJob, 'id' | 'model' | 'lane'>) => ({
  requestId: id,
  model,
  lane,
});

/**
 * One attempt at one job, from the lease to its settlement.
 *
 * The log decides what an attempt may do: a terminal event there means acknowledge and run nothing; output of an
 * earlier attempt means end with `STREAM_INTERRUPTED`; else the engine is asked. Whatever stops the attempt (the client,
 * the deadline, the lock, the fence, the process) aborts the engine's socket first, then decides the ending.
 */
export class Generation {
  readonly stop = new GenerationStop();
  readonly #lease: Lease;
  readonly #claim: Claim;
  readonly #ports: GenerationPorts;
  readonly #writer: TokenWriter;
  readonly #usage = new UsageCount();
  readonly #timing = new GenerationTiming();
  readonly #cleanups = new Cleanups();
  readonly #guarded: GuardedRun;
  #hasOutput = false;
  #hasTerminal = false;
  #place: Place | undefined;

  /** The claim is the caller's to release. */
  constructor(lease: Lease, claim: Claim, ports: GenerationPorts) {
    this.#lease = lease;
    this.#claim = claim;
    this.#ports = ports;
    const { quarantine, logger } = ports;
    this.#guarded = new GuardedRun(lease.job, {
      quarantine,
      logger,
      onStall: () => this.stop.stop('stalled'),
    });
    this.#writer = createCoalescingWriter(ports.stream, lease.job.id, lease.fence);
  }

  /**
   * Resolves when the attempt is settled, or as soon as its lock is lost: what is still under way then (a write that
   * waits for Redis) ends by itself and is refused by the fence. Never throws.
   */
  async run(): Promise<void> {
    const { job, attempt, waitedMs, lost } = this.#lease;
    const { telemetry, logger } = this.#ports;
    telemetry.jobTaken({ ...aboutJob(job), attempt, queueTimeS: waitedMs / 1_000 });
    const isLost = new Promise<Settled>((resolve) => {
      const onLost = (): void => resolve({ kind: 'abandoned' });
      this.#cleanups.add(() => lost.removeEventListener('abort', onLost));
      if (lost.aborted) onLost();
      else lost.addEventListener('abort', onLost, { once: true });
    });
    const settled = await Promise.race([this.#work(), isLost]);
    // Not awaited: taking a listener off may wait for Redis, and the slot is needed.
    void this.#cleanups.run();
    reportSettled(settled, {
      lease: this.#lease,
      usage: this.#usage.usage,
      timing: this.#timing,
      telemetry,
      logger,
    });
  }

  async #work(): Promise<Settled> {
    this.#cleanups.add(stopWhenLost(this.#lease, this.stop));
    this.#cleanups.add(this.#stopWithWriter());
    const ending = await this.#attempt().catch((failure: unknown) => this.#endingOf(failure));
    return settle(ending, {
      lease: this.#lease,
      writer: this.#writer,
      usage: () => this.#usage.usage,
      stream: this.#ports.stream,
      blobs: this.#ports.blobs,
      logger: this.#ports.logger,
    });
  }

  /** What the log and the request's own limits allow; then the engine. */
  async #attempt(): Promise<Ending> {
    const { job, fence, attempt } = this.#lease;
    const { stream } = this.#ports;
    const [left, suspicion] = await Promise.all([
      stream.open(job.id, fence),
      this.#guarded.look(),
      stopWhenCancelled(stream, job.id, this.stop, this.#cleanups),
    ]);
    if (left.terminal !== undefined) return { kind: 'already-ended' };
    if (left.hasOutput) {
      await countEarlierAttempt(stream, job.id, this.#usage);
      return { kind: 'error', error: new FoveaError('STREAM_INTERRUPTED') };
    }
    this.#cleanups.add(stopAtDeadline(job.deadlineAtMs, this.stop));
    if (this.stop.cause !== undefined) return endingOfStop(this.stop.cause, false);
    if (suspicion === 'condemned') return { kind: 'error', error: condemned('refused before it ran') };
    if (suspicion === 'suspect') this.#claim.suspect();
    if (attempt > MAX_ATTEMPTS) {
      const detail = `given up after ${attempt - 1} attempts without output`;
      return { kind: 'error', error: new FoveaError('BACKEND_ERROR', { detail }) };
    }
    await this.#runOnSomeEngine(job).catch((failure: unknown) => {
      // A complete answer is one, whatever happens to the engine's socket or the client after it.
      if (!this.#hasTerminal) throw failure;
    });
    return this.#endingOfLog();
  }

  /**
   * Runs on the engine whose place the job gets. One that has no room after all (503) is left for another, or for a
   * later moment, as often as it takes until the deadline. The job is not handed back for it: the queue would count an
   * attempt each time, and a busy hour would use up what is meant for engines that die.
   */
  async #runOnSomeEngine(job: InferenceJob): Promise<void> {
    const { signal } = this.stop;
    for (;;) {
      const place = await this.#claim.place(signal);
      this.#place = place;
      try {
        await this.#generate(job, place);
        return;
      } catch (failure) {
        if (signal.aborted || this.#hasOutput || !isOverload(failure)) throw failure;
        place.refused(failure.retryAfterS);
        this.#ports.telemetry.engineRefused({ ...aboutJob(job), engine: place.engine.name });
        this.#claim.again();
        // An engine that dies says 503, too. If it did, the line is dissolved and the job handed back.
        void place.engine.health.recheck();
      }
    }
  }

  /** Throws unless the engine's answer, its terminal event included, was handed to the writer. */
  async #generate(job: InferenceJob, place: Place): Promise<void> {
    const { blobRoom, servedModel } = this.#ports;
    const { signal } = this.stop;
    const model = servedModel(place.engine, job.model);
    if (model === undefined) throw new FoveaError('UNKNOWN_MODEL');
    const held = heldBytes(job);
    const releaseRoom = held > 0 ? await blobRoom.acquire(signal, held) : () => undefined;
    try {
      // Left only at its end, also after the terminal event: leaving early costs the engine's connection.
      for await (const events of this.#ask(job, model, place)) {
        if (signal.aborted) break;
        this.#guarded.answered();
        this.#write(events);
        await this.#guarded.pauseFor(this.#writer.ready());
      }
      this.#checkComplete();
    } catch (failure) {
      if (!this.#hasTerminal) await this.#guarded.fail(failure, signal.aborted);
      throw failure;
    } finally {
      releaseRoom();
      if (this.#hasTerminal) await this.#guarded.succeed();
    }
  }

  #checkComplete(): void {
    if (this.#hasTerminal) return;
    this.stop.signal.throwIfAborted();
    throw new FoveaError('BACKEND_ERROR', { detail: 'the engine stopped before the end of its answer' });
  }

  async *#ask(
    job: InferenceJob,
    model: ServedModel,
    place: Place,
  ): AsyncGenerator<readonly GenerationEvent[]> {
    const { signal } = this.stop;
    const { buildRequest, pooling, tokens } = this.#ports;
    if (isPooling(job)) {
      await this.#begin(place);
      yield* pooling.run(job, model, place.engine, signal);
    } else if (isTokens(job)) {
      await this.#begin(place);
      yield* tokens.run(job, model, place.engine.backend, signal);
    } else if (isGeneration(job)) {
      const request = await buildRequest(job, model, signal);
      await this.#begin(place);
      yield* place.engine.backend.generate(request, signal);
    }
  }

  async #begin(place: Place): Promise<void> {
    await this.#guarded.begin(place, this.stop.signal);
    this.stop.signal.throwIfAborted();
    this.#timing.startEngine();
  }

  #write(events: readonly GenerationEvent[]): void {
    const { attempt, waitedMs, job } = this.#lease;
    if (events.length === 0) return;
    if (!this.#hasOutput) {
      this.#hasOutput = true;
      this.#writer.write({ type: 'generation-start', queueTimeMs: waitedMs, attempt });
    }
    for (const event of events) this.#writer.write(event);
    this.#hasTerminal = events.some(isTerminal);
    this.#usage.add(events);
    this.#timing.observe(events, (gapS) => this.#ports.telemetry.tokenGap({ model: job.model, gapS }));
  }

  /** What became of an answer that was handed to the writer to its end. */
  async #endingOfLog(): Promise<Ending> {
    const { outcome } = await this.#writer.flush();
    return outcome === 'appended' ? { kind: 'completed' } : endingOfStop(outcome, true);
  }

  async #endingOf(failure: unknown): Promise<Ending> {
    const { attempt } = this.#lease;
    const hasOutput = this.#hasOutput;
    const ending =
      this.stop.cause === undefined
        ? endingOfFailure(failure, { hasOutput, attempt, verdict: this.#guarded.verdict })
        : endingOfStop(this.stop.cause, hasOutput, attempt);
    if (ending.kind !== 'hand-back' || ending.error === undefined) return ending;
    // The engine was asked whether it lives, so this adapter does not give it the job again at once; one that is busy
    // gets a moment.
    if (this.#place !== undefined) this.#ports.noteFailure(this.#lease.job.id, this.#place.engine);
    await pause(RETRY_PAUSE_MS * attempt, this.stop.signal);
    const { cause } = this.stop;
    return cause === undefined || cause === 'stalled' ? ending : endingOfStop(cause, hasOutput);
  }

  /** A log that cannot be written any more makes the engine's work useless. */
  #stopWithWriter(): () => void {
    const { stopped } = this.#writer;
    const onStopped = (): void => {
      const reason: unknown = stopped.reason;
      this.stop.stop(reason === 'fenced' || reason === 'ended' ? reason : 'log-failed');
    };
    stopped.addEventListener('abort', onStopped, { once: true });
    return () => stopped.removeEventListener('abort', onStopped);
  }
}
