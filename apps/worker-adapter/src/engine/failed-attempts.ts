const MAX_REMEMBERED = 1_000;

/** Which engine failed which job last: the last thousand of them. */
export class FailedAttempts {
  readonly #engines = new Map<string, string>();

  add(requestId: string, engine: string): void {
    this.#engines.delete(requestId);
    this.#engines.set(requestId, engine);
    const [oldest] = this.#engines.keys();
    if (this.#engines.size > MAX_REMEMBERED && oldest !== undefined) this.#engines.delete(oldest);
  }

  engineOf(requestId: string): string | undefined {
    return this.#engines.get(requestId);
  }
}
