import type { Logger, Readiness } from '@fovea/observability';
import type { InterestWatch } from './consumer/interest-watch.js';
import type { LaneConsumer } from './consumer/lane-consumer.js';
import type { EnginePool } from './engine/engine-pool.js';
import type { RunningGenerations } from './generation/running-generations.js';
import { pause } from './pause.js';
import type { Presence } from './presence/presence.js';

export interface WorkerAdapterParts {
  readonly pool: EnginePool;
  readonly presence: Presence;
  readonly lanes: readonly LaneConsumer[];
  readonly interest: InterestWatch;
  readonly running: RunningGenerations;
  /** `ok`, or what is wrong with the connection. */
  readonly redisState: () => string;
  readonly logger: Logger;
}

export interface DrainOptions {
  /** How long what runs may go on. */
  readonly drainMs: number;
  /** Aborted to end what runs now. */
  readonly force: AbortSignal;
}

const ANNOUNCE_WAIT_MS = 10_000;
/** For steps that talk to Redis while leaving; a Redis that is gone must not hold the process. */
const LEAVE_STEP_MS = 5_000;

/**
 * One worker, from waiting for its engines to leaving in order. Jobs are taken once the package is registered;
 * on the way out the worker is first not ready and not present, then takes nothing, then finishes what runs.
 */
export class WorkerAdapter {
  readonly #parts: WorkerAdapterParts;
  readonly #leaving = new AbortController();
  #isTaking = false;

  constructor(parts: WorkerAdapterParts) {
    this.#parts = parts;
  }

  start(): void {
    const { pool, presence, interest } = this.#parts;
    pool.start();
    presence.start();
    interest.start();
    void this.#announceWait();
  }

  /** To be called when the package is registered, for the first time or again. */
  startTaking(): void {
    if (this.#isTaking || this.#leaving.signal.aborted) return;
    this.#isTaking = true;
    for (const lane of this.#parts.lanes) lane.start();
    this.#parts.logger.info({ lanes: this.#parts.lanes.map(({ lane }) => lane.kind) }, 'taking jobs');
  }

  readiness(): Readiness {
    const { pool, presence, redisState } = this.#parts;
    const checks: Record<string, string> = {
      redis: redisState(),
      engine: pool.problem ?? 'ok',
      registered: presence.isRegistered ? 'ok' : 'not yet',
    };
    if (this.#leaving.signal.aborted) checks.drain = 'in progress';
    const ready = Object.values(checks).every((state) => state === 'ok');
    // Not part of the verdict: one fit engine is enough.
    if (pool.engines.length > 1) {
      for (const { name, problem } of pool.engines) checks[`engine ${name}`] = problem ?? 'ok';
    }
    return { ready, checks };
  }

  /** Resolves when everything is stopped; connections are the composition root's to close. */
  async drain({ drainMs, force }: DrainOptions): Promise<void> {
    const { pool, presence, lanes, interest, running, logger } = this.#parts;
    this.#leaving.abort(new Error('the worker leaves'));
    logger.info({ running: running.size }, 'draining');
    await Promise.all([
      this.#bounded('withdraw', presence.withdraw()),
      this.#bounded('stop taking', Promise.all(lanes.map((lane) => lane.stop()))),
    ]);
    await this.#untilIdle(drainMs, force);
    if (running.size > 0) {
      logger.warn({ running: running.size }, 'ending what still runs');
      running.stopAll('shutdown');
      await this.#bounded('end what runs', running.untilIdle());
    }
    await this.#bounded('close the lanes', Promise.all(lanes.map((lane) => lane.close())));
    await this.#bounded('stop watching', Promise.all([interest.stop(), pool.stop()]));
  }

  /** Resolves when nothing runs, the time is over, or `force` aborts. */
  async #untilIdle(drainMs: number, force: AbortSignal): Promise<void> {
    const idle = new AbortController();
    const stopWaiting = (): void => idle.abort();
    force.addEventListener('abort', stopWaiting, { once: true });
    if (force.aborted) stopWaiting();
    void this.#parts.running.untilIdle().then(stopWaiting);
    await pause(drainMs, idle.signal);
    force.removeEventListener('abort', stopWaiting);
  }

  async #bounded(step: string, work: Promise<unknown>): Promise<void> {
    const { logger } = this.#parts;
    const over = new AbortController();
    const done = work.then(
      () => true,
      (error: unknown) => {
        logger.warn({ err: error, step }, 'a step of leaving failed');
        return true;
      },
    );
    const inTime = await Promise.race([done, pause(LEAVE_STEP_MS, over.signal).then(() => false)]);
    over.abort();
    if (!inTime) logger.warn({ step }, 'a step of leaving takes too long, going on');
  }

  /** The engine may come minutes later: it loads weights. */
  async #announceWait(): Promise<void> {
    const { pool, presence, logger } = this.#parts;
    const { signal } = this.#leaving;
    while (!signal.aborted && !presence.isRegistered) {
      const problem = pool.isFit ? 'not registered yet' : pool.lastProblem;
      logger.info({ problem }, 'waiting for an engine');
      await pause(ANNOUNCE_WAIT_MS, signal);
    }
  }
}
