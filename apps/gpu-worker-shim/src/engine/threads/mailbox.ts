/** Hands items from events to one reader, in order. After `fail`, items put before are still taken first. */
export class Mailbox<T> {
  private readonly items: T[] = [];
  private failure: { readonly error: unknown } | undefined;
  private wake: (() => void) | undefined;

  put(item: T): void {
    this.items.push(item);
    this.wake?.();
  }

  fail(error: unknown): void {
    this.failure ??= { error };
    this.wake?.();
  }

  /** The next item; waits for it. Throws what `fail` was given once all items are taken. */
  async take(): Promise<T> {
    for (;;) {
      const item = this.items.shift();
      if (item !== undefined) return item;
      if (this.failure !== undefined) throw this.failure.error;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
