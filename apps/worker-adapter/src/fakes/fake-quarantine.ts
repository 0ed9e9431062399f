import { Quarantine, type Suspicion } from '@fovea/quarantine';

/** Suspicions in memory, and what was written in which order. */
export class FakeQuarantine extends Quarantine {
  readonly suspicions = new Map<string, Suspicion>();
  readonly calls: string[] = [];
  /** Thrown by every call while set. */
  problem: Error | undefined;

  suspicionOf(fingerprint: string): Promise<Suspicion> {
    return this.#do(() => this.suspicions.get(fingerprint) ?? 'none');
  }

  suspect(fingerprints: readonly string[]): Promise<void> {
    return this.#do(() => {
      this.calls.push(`suspect ${[...fingerprints].sort().join(' ')}`);
      for (const each of fingerprints) {
        if (this.suspicions.get(each) !== 'condemned') this.suspicions.set(each, 'suspect');
      }
    });
  }

  condemn(fingerprint: string): Promise<void> {
    return this.#do(() => {
      this.calls.push(`condemn ${fingerprint}`);
      this.suspicions.set(fingerprint, 'condemned');
    });
  }

  clear(fingerprint: string): Promise<void> {
    return this.#do(() => {
      this.calls.push(`clear ${fingerprint}`);
      if (this.suspicions.get(fingerprint) === 'suspect') this.suspicions.delete(fingerprint);
    });
  }

  /** Who holds the trial of which engine. */
  readonly trials = new Map<string, string>();

  enterTrial(engine: string, holder: string): Promise<boolean> {
    return this.#do(() => {
      if ((this.trials.get(engine) ?? holder) !== holder) return false;
      this.trials.set(engine, holder);
      return true;
    });
  }

  leaveTrial(engine: string, holder: string): Promise<void> {
    return this.#do(() => {
      if (this.trials.get(engine) === holder) this.trials.delete(engine);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #do<T>(action: () => T): Promise<T> {
    if (this.problem !== undefined) throw this.problem;
    return action();
  }
}
