type Cleanup = () => void | Promise<void>;

/** What has to be undone at the end of something, also what turns up after the end. */
export class Cleanups {
  #pending: Cleanup[] | undefined = [];

  add(cleanup: Cleanup): void {
    if (this.#pending === undefined) void runQuietly(cleanup);
    else this.#pending.push(cleanup);
  }

  /** Runs all of them; one that fails holds up none of the others. */
  async run(): Promise<void> {
    const pending = this.#pending ?? [];
    this.#pending = undefined;
    await Promise.all(pending.map(runQuietly));
  }
}

/** Undoing is best effort: a listener that cannot be taken off calls a generation that is over. */
async function runQuietly(cleanup: Cleanup): Promise<void> {
  try {
    await cleanup();
  } catch {
    return;
  }
}
