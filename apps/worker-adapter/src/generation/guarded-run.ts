import { FoveaError } from '@fovea/errors';
import type { Logger } from '@fovea/observability';
import type { Quarantine, Suspicion } from '@fovea/quarantine';
import type { InferenceJob } from '@fovea/schemas/jobs';
import type { Place } from '../engine/claim.js';
import type { Run, Verdict } from '../engine/runs/run.js';
import { holdTrial } from './trial.js';

export interface GuardedRunParts {
  readonly quarantine: Pick<Quarantine, 'suspicionOf' | 'clear' | 'enterTrial' | 'leaveTrial'>;
  /** Told that the engine hangs. */
  readonly onStall: () => void;
  readonly logger: Logger;
}

/**
 * A job on its engines, and what is known against it: whether one died while it ran, and what its last failure says.
 *
 * The quarantine is a help, no condition: while it can't be read or written every job is innocent.
 */
export class GuardedRun {
  readonly #job: InferenceJob;
  readonly #parts: GuardedRunParts;
  #suspicion: Suspicion = 'none';
  #run: Run | undefined;
  #verdict: Verdict | undefined;
  #endTrial: () => void = () => undefined;

  constructor(job: InferenceJob, parts: GuardedRunParts) {
    this.#job = job;
    this.#parts = parts;
  }

  /** What the last failure says of the engine; undefined when there was none, or none of an engine. */
  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** Asks the quarantine. */
  async look(): Promise<Suspicion> {
    try {
      this.#suspicion = await this.#parts.quarantine.suspicionOf(this.#fingerprint);
    } catch (err) {
      this.#warn(err);
    }
    return this.#suspicion;
  }

  /**
   * To be called right before the request goes to the engine. Throws `MODEL_UNAVAILABLE` when the engine of a suspect is
   * not healthy: one that died before must not be charged to it.
   */
  async begin(place: Place, signal: AbortSignal): Promise<void> {
    if (this.#suspicion === 'suspect') await this.#beginTrial(place, signal);
    const { onStall } = this.#parts;
    this.#verdict = undefined;
    this.#run = place.begin({ requestId: this.#job.id, fingerprint: this.#fingerprint, onStall });
  }

  /** Something of the answer came. */
  answered(): void {
    this.#run?.answered();
  }

  /** Waits for something of ours, which is none of the engine's silence. */
  async pauseFor(ours: Promise<void>): Promise<void> {
    await (this.#run?.pauseFor(ours) ?? ours);
  }

  async succeed(): Promise<void> {
    const run = this.#take();
    run?.succeeded();
    this.#endTrial();
    await this.#clear(run);
  }

  /** `isAborted`: by us, so that the failure is ours. */
  async fail(failure: unknown, isAborted: boolean): Promise<void> {
    const run = this.#take();
    const { code } = FoveaError.from(failure);
    if (!isAborted && code === 'BACKEND_ERROR') this.#verdict = await run?.failed(failure);
    run?.leave();
    this.#endTrial();
    // An engine that refuses a request lives.
    const isRefused = !isAborted && code !== 'BACKEND_ERROR' && code !== 'QUEUE_FULL';
    if (isRefused && run !== undefined) await this.#clear(run);
  }

  /** Jobs of an older gateway have no fingerprint; they are known again by their id, but not when they are sent again. */
  get #fingerprint(): string {
    return this.#job.fingerprint ?? this.#job.id;
  }

  async #beginTrial({ engine }: Place, signal: AbortSignal): Promise<void> {
    const request = {
      engine: engine.address,
      holder: this.#job.id,
      onError: (err: unknown) => this.#warn(err),
    };
    try {
      this.#endTrial = await holdTrial(this.#parts.quarantine, request, signal);
    } catch (err) {
      signal.throwIfAborted();
      this.#warn(err);
    }
    if (await engine.health.recheck()) return;
    this.#endTrial();
    throw new FoveaError('MODEL_UNAVAILABLE', { detail: 'the engine was gone before the request came' });
  }

  #take(): Run | undefined {
    const run = this.#run;
    this.#run = undefined;
    return run;
  }

  /** Of a death that was none, or of an earlier one. */
  async #clear(run: Run | undefined): Promise<void> {
    if (this.#suspicion !== 'suspect' && run?.death === undefined) return;
    try {
      await run?.death?.recorded;
      await this.#parts.quarantine.clear(this.#fingerprint);
    } catch (err) {
      this.#warn(err);
    }
  }

  #warn(err: unknown): void {
    this.#parts.logger.warn({ requestId: this.#job.id, err }, 'the quarantine could not be used');
  }
}
