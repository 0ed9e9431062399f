/**
 * A value that is fetched again when it is older than `maxAgeMs`. However many callers wait, at most one fetch runs
 * and at most one more is due after it.
 */
export class FreshValue<T> {
  private held: { readonly value: T; readonly fetchedAtMs: number } | undefined;
  private running: Promise<T> | undefined;
  private due: Promise<T> | undefined;

  constructor(
    private readonly fetch: () => Promise<T>,
    private readonly maxAgeMs: number,
  ) {}

  /** At most `maxAgeMs` old. Rejects when it is older and cannot be fetched. */
  async current(): Promise<T> {
    if (this.held !== undefined && performance.now() - this.held.fetchedAtMs <= this.maxAgeMs) {
      return this.held.value;
    }
    return this.running ?? this.run();
  }

  /** Fetched after this call: a fetch that runs already may have looked too early. */
  async latest(): Promise<T> {
    if (this.running === undefined) return this.run();
    this.due ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.due = undefined;
        // Whatever runs by now was begun after the call.
        return this.running ?? this.run();
      });
    return this.due;
  }

  private run(): Promise<T> {
    // The age counts from the question, not from the answer.
    const fetchedAtMs = performance.now();
    const running = this.fetch()
      .then((value) => {
        this.held = { value, fetchedAtMs };
        return value;
      })
      .finally(() => {
        if (this.running === running) this.running = undefined;
      });
    this.running = running;
    return running;
  }
}
