import { type GenerationEvent, isTerminal } from '@fovea/schemas/events';
import { type AppendOutcome, type StreamEntry, type StreamState, TokenStream } from '@fovea/token-stream';

interface Log {
  fence: string;
  readonly entries: StreamEntry[];
}

/** Logs in memory, with what a test wants to know and to break. */
export class FakeTokenStream extends TokenStream {
  readonly #logs = new Map<string, Log>();
  readonly #listeners = new Map<string, Set<() => void>>();
  /** Requests nobody waits for. */
  readonly forgotten = new Set<string>();
  /** Called before each append; may throw, or change the fence. */
  beforeAppend: (requestId: string, events: readonly GenerationEvent[]) => void | Promise<void> = () =>
    undefined;

  /** Everything that was written for a request, in order. */
  events(requestId: string): GenerationEvent[] {
    return this.#log(requestId).entries.flatMap((entry) => [...entry.events]);
  }

  appends(requestId: string): number {
    return this.#log(requestId).entries.length;
  }

  listeners(requestId: string): number {
    return this.#listeners.get(requestId)?.size ?? 0;
  }

  open(requestId: string, fence: string): Promise<StreamState> {
    this.#log(requestId).fence = fence;
    return this.state(requestId);
  }

  async append(requestId: string, fence: string, events: readonly GenerationEvent[]): Promise<AppendOutcome> {
    await this.beforeAppend(requestId, events);
    const log = this.#log(requestId);
    if (log.fence !== fence) return { outcome: 'fenced' };
    if ((await this.state(requestId)).terminal !== undefined) return { outcome: 'ended' };
    log.entries.push({ id: log.entries.length + 1, events });
    return { outcome: 'appended', lastId: log.entries.length };
  }

  state(requestId: string): Promise<StreamState> {
    const all = this.events(requestId);
    return Promise.resolve({
      lastId: this.#log(requestId).entries.length,
      hasOutput: all.some((event) => !isTerminal(event)),
      terminal: all.find(isTerminal),
    });
  }

  read(requestId: string, afterId: number, limit: number): Promise<StreamEntry[]> {
    return Promise.resolve(this.#log(requestId).entries.slice(afterId, afterId + limit));
  }

  follow(): AsyncIterable<StreamEntry> {
    throw new Error('adapters do not follow streams');
  }

  renewInterest(): Promise<void> {
    return Promise.resolve();
  }

  lapsed(requestIds: readonly string[]): Promise<string[]> {
    return Promise.resolve(requestIds.filter((id) => this.forgotten.has(id)));
  }

  cancel(requestId: string): Promise<void> {
    this.forgotten.add(requestId);
    for (const listener of this.#listeners.get(requestId) ?? []) listener();
    return Promise.resolve();
  }

  onCancel(requestId: string, listener: () => void): Promise<() => Promise<void>> {
    const listeners = this.#listeners.get(requestId) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(requestId, listeners);
    return Promise.resolve(async () => {
      listeners.delete(listener);
    });
  }

  drop(requestId: string): Promise<void> {
    this.#logs.delete(requestId);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #log(requestId: string): Log {
    const known = this.#logs.get(requestId);
    if (known !== undefined) return known;
    const log: Log = { fence: '', entries: [] };
    this.#logs.set(requestId, log);
    return log;
  }
}
