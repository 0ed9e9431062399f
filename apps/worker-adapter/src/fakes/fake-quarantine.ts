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

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #do<T>(action: () => T): Promise<T> {
    if (this.problem !== undefined) throw this.problem;
    return action();
  }
}
