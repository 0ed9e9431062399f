/** Named gates that hold generations. A gate is closed until it is released and then stays open. */
export class Gates {
  readonly #open = new Set<string>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Resolves when the gate is open; rejects with the signal's reason when the request is aborted first. */
  pass(gate: string, signal: AbortSignal): Promise<void> {
    if (this.#open.has(gate)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(gate) ?? new Set();
      this.#waiting.set(gate, waiting);
      const leave = (): void => {
        waiting.delete(opened);
        reject(signal.reason);
      };
      const opened = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      waiting.add(opened);
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
    });
  }

  release(gate: string): void {
    this.#open.add(gate);
    for (const opened of this.#waiting.get(gate) ?? []) opened();
    this.#waiting.delete(gate);
  }

  clear(): void {
    for (const gate of [...this.#waiting.keys()]) this.release(gate);
    this.#open.clear();
  }
}
