import type { InferenceJob } from '@fovea/schemas/jobs';
import type { Lease } from '../../index.js';
import { isLockLost, type LaneStore, type TakenJob } from '../lane-store.js';
import type { LockRenewal } from '../locks/lock-renewal.js';

/** A taken job whose lock is renewed until it is settled or lost. */
export class HeldJob {
  readonly #lost = new AbortController();
  readonly #release: () => void;
  #isSettled = false;

  constructor(
    private readonly store: LaneStore,
    private readonly taken: TakenJob,
    locks: LockRenewal,
  ) {
    const { requestId, token, attempt } = taken;
    this.#release = locks.hold({ ...store.lockKeys(requestId), token, requestId, attempt }, () => {
      if (!this.#isSettled) this.#lost.abort(new Error('the lock of the job was lost'));
    });
  }

  acknowledge(): Promise<void> {
    return this.#settle(() => this.store.settle(this.taken));
  }

  handBack(): Promise<void> {
    return this.#settle(() => this.store.handBack(this.taken));
  }

  toLease(job: InferenceJob, waitedMs: number): Lease {
    return {
      job,
      fence: this.taken.token,
      attempt: this.taken.attempt,
      waitedMs,
      lost: this.#lost.signal,
      acknowledge: () => this.acknowledge(),
      handBack: () => this.handBack(),
    };
  }

  /** A lock that is lost leaves nothing to settle: the job is another worker's now. */
  async #settle(move: () => Promise<void>): Promise<void> {
    if (this.#isSettled) return;
    this.#isSettled = true;
    try {
      await move();
    } catch (error) {
      if (!isLockLost(error)) throw error;
    } finally {
      this.#release();
    }
  }
}
