import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { FoveaError } from '@fovea/errors';
import { type Consumer, type Lease, NICE_SHARE } from '../../index.js';
import { parseEnvelope, type UnreadableJob } from '../envelope.js';
import type { LaneStore, TakenJob } from '../lane-store.js';
import { LOCK_MS, type LockRenewal } from '../locks/lock-renewal.js';
import type { RedisClock } from '../redis-clock.js';
import { HeldJob } from './held-job.js';
import type { MarkerWait } from './marker-wait.js';
import { raceAbort } from './race-abort.js';

export interface ConsumerParts {
  readonly store: LaneStore;
  readonly locks: LockRenewal;
  readonly clock: RedisClock;
  readonly marker: MarkerWait;
  readonly onUnreadable: (job: UnreadableJob) => void | Promise<void>;
  readonly onRecovered: (requestIds: readonly string[]) => void;
  readonly onError: (error: Error) => void;
  /** False right after Redis came back: the living must get the chance to renew their locks first. */
  readonly mayRecover: () => boolean;
  readonly onClose: () => void;
}

const STALLED_CHECK_MS = 500;
const RETRY_MS = 250;
const LEFTOVER_MS = 2_000;

const toError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)));

export class LaneConsumer implements Consumer {
  readonly #stop = new AbortController();
  readonly #stalledCheck: NodeJS.Timeout;
  #taking: Promise<Lease | undefined> | undefined;
  #isRecovering = false;
  /** Jobs taken since the last one that was the nice ones' turn. */
  #takenSinceNice = 0;
  /** A fetch that was under way when `stop` came; what it brings is handed back. */
  #leftover: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(private readonly parts: ConsumerParts) {
    this.#stalledCheck = setInterval(() => void this.#recoverStalled(), STALLED_CHECK_MS);
  }

  take(): Promise<Lease | undefined> {
    if (this.#taking !== undefined) {
      return Promise.reject(new FoveaError('INTERNAL', { detail: 'a consumer takes one job at a time' }));
    }
    this.#taking = this.#take().finally(() => {
      this.#taking = undefined;
    });
    return this.#taking;
  }

  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.parts.marker.close();
    // The parked connection may have taken a marker with it that was meant for another consumer.
    this.#leftover = this.#leftover.then(() => this.parts.store.wakeOne()).catch(this.parts.onError);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.stop();
    await this.#taking;
    clearInterval(this.#stalledCheck);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LEFTOVER_MS);
    });
    await Promise.race([this.#leftover, patience]);
    clearTimeout(timer);
    this.parts.onClose();
  }

  async #take(): Promise<Lease | undefined> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const lease = await this.#fetchUnlessStopped();
      if (lease !== undefined) return lease;
      if (!signal.aborted) await this.parts.marker.next(signal);
    }
    return undefined;
  }

  async #fetchUnlessStopped(): Promise<Lease | undefined> {
    const fetching = this.#fetch().catch(async (error: unknown) => {
      if (this.#stop.signal.aborted) return undefined;
      this.parts.onError(toError(error));
      await raceAbort(wait(RETRY_MS), this.#stop.signal);
      return undefined;
    });
    const lease = await raceAbort(fetching, this.#stop.signal);
    if (!this.#stop.signal.aborted) return lease;
    this.#leftover = Promise.all([this.#leftover, fetching])
      .then(([, late]) => late?.handBack())
      .catch(this.parts.onError);
    return undefined;
  }

  async #fetch(): Promise<Lease | undefined> {
    const { store, locks } = this.parts;
    const nowMs = await this.parts.clock.nowMs();
    const askedAtMs = performance.now();
    const isNiceTurn = this.#takenSinceNice >= NICE_SHARE - 1;
    if (isNiceTurn) await store.advanceNice();
    const taken = await store.take(randomUUID());
    if (taken === undefined) return undefined;
    this.#takenSinceNice = isNiceTurn ? 0 : this.#takenSinceNice + 1;
    // A reply that lay in a blocked loop for long may tell of a lock that has lapsed since: the job can be
    // another worker's already, and opening its log would shut that one out.
    const isFresh = performance.now() - askedAtMs < LOCK_MS / 2;
    if (!isFresh && !(await store.extendLock(taken))) return undefined;
    const held = new HeldJob(store, taken, locks);
    const job = parseEnvelope(taken.requestId, taken.envelope);
    if (typeof job === 'string') {
      await this.#settleUnreadable(held, taken, job);
      return undefined;
    }
    return held.toLease(job, Math.max(0, nowMs - taken.enqueuedAtMs));
  }

  async #settleUnreadable(held: HeldJob, { requestId }: TakenJob, reason: string): Promise<void> {
    try {
      await this.parts.onUnreadable({ lane: this.parts.store.lane, requestId, reason });
    } catch (error) {
      this.parts.onError(toError(error));
    }
    await held.acknowledge();
  }

  async #recoverStalled(): Promise<void> {
    if (this.#isRecovering || !this.parts.mayRecover()) return;
    this.#isRecovering = true;
    try {
      const recovered = await this.parts.store.recoverStalled();
      if (recovered.length > 0) this.parts.onRecovered(recovered);
    } catch (error) {
      this.parts.onError(toError(error));
    } finally {
      this.#isRecovering = false;
    }
  }
}
