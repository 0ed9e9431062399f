import { FoveaError } from '@fovea/errors';
import { requestKey } from '@fovea/redis';
import { isTerminal } from '@fovea/schemas/events';
import type { Redis } from 'ioredis';
import type { FollowOptions, StreamEntry } from '../index.js';
import type { ChannelListener, LiveChannels } from './live-channels.js';
import { parseElement, type StoredEntry } from './log-entry.js';
import { type Position, PushedEntries } from './pushed-entries.js';
import { type LogPage, readPage } from './read-log.js';

export interface FollowSource {
  readonly client: Redis;
  readonly channels: LiveChannels;
  /** How long the server may take to confirm the subscription before `follow` fails. */
  readonly subscribeMs: number;
  /** After this long without a push the log is read: a lost publish costs at most that. */
  readonly quietMs: number;
  /** How long a log that lost entries may take to get them back from its writer. */
  readonly restoreGraceMs: number;
  /** How long Redis may be away in mid-stream. */
  readonly outageMs: number;
}

/** At most this many entries are in memory per reader beside the pushed ones. */
const PAGE_ENTRIES = 16;

const endsStream = (entry: StreamEntry): boolean => {
  const last = entry.events.at(-1);
  return last !== undefined && isTerminal(last);
};

/** Resolves at once when the signal aborts; what was awaited goes on unheard. */
async function unlessAborted(awaited: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return awaited;
  awaited.catch(() => undefined);
  if (signal.aborted) return;
  let onAbort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener('abort', onAbort, { once: true });
  });
  await Promise.race([awaited, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}

async function subscribe(
  source: FollowSource,
  channel: string,
  listener: ChannelListener,
  signal: AbortSignal | undefined,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    const detail = `Redis did not confirm a subscription within ${source.subscribeMs} ms`;
    timer = setTimeout(() => reject(new FoveaError('INTERNAL', { detail })), source.subscribeMs);
  });
  const subscribed = source.channels.add(channel, listener);
  await unlessAborted(Promise.race([subscribed, tooLate]), signal).finally(() => clearTimeout(timer));
}

/** Entries of one request as they come, each once and in order; see `TokenStream.follow`. */
export async function* followLog(
  source: FollowSource,
  requestId: string,
  options: FollowOptions,
): AsyncGenerator<StreamEntry, void, undefined> {
  const { signal } = options;
  const isAborted = (): boolean => signal?.aborted === true;
  const channel = requestKey(requestId, 'live');
  const reader = new LogReader(source, requestId, options.afterId ?? 0);
  const onAbort = (): void => reader.pushed.wake();
  signal?.addEventListener('abort', onAbort);
  try {
    await subscribe(source, channel, reader.pushed, signal);
    while (!isAborted()) {
      for (const entry of await reader.next()) {
        yield { id: entry.id, events: entry.events };
        if (endsStream(entry)) return;
        if (isAborted()) return;
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    source.channels.remove(channel, reader.pushed);
  }
}

/** Where one reader is, and how it gets on: from what was pushed while that is unbroken, else from the log. */
class LogReader {
  readonly pushed: PushedEntries;
  #position: Position;
  #hasRead = false;
  #shortSinceMs: number | undefined;
  #awaySinceMs: number | undefined;

  constructor(
    private readonly source: FollowSource,
    private readonly requestId: string,
    afterId: number,
  ) {
    this.#position = { id: afterId, writer: undefined };
    this.pushed = new PushedEntries(this.#position);
  }

  /** The next entries, or none after a quiet while. */
  async next(): Promise<readonly StoredEntry[]> {
    const pushed = this.pushed.take();
    if (pushed !== undefined) {
      const entry = parseElement(pushed.id, pushed.element);
      this.#position = entry;
      return [entry];
    }
    if (!this.pushed.isBehind && (await this.pushed.wait(this.source.quietMs))) return [];
    return this.#readLog();
  }

  async #readLog(): Promise<readonly StoredEntry[]> {
    // Cleared before the read, so that a push during it counts as news.
    this.pushed.isBehind = false;
    const page = await this.#readPage();
    if (page === undefined) return [];
    if (page.kind === 'rewritten') throw new FoveaError('STREAM_INTERRUPTED');
    if (page.kind === 'short') {
      this.#checkShortLog(page.exists, page.canGrow);
      await this.pushed.wait(this.source.quietMs / 4);
      this.pushed.isBehind = true;
      return [];
    }
    this.#hasRead = true;
    this.#shortSinceMs = undefined;
    const last = page.entries.at(-1) ?? page.known;
    this.#position = { id: last.id, writer: last.writer };
    this.pushed.moveTo(this.#position);
    if (page.entries.length === PAGE_ENTRIES) this.pushed.isBehind = true;
    return page.entries;
  }

  /** Undefined while Redis is away in mid-stream. The first read fails at once: nothing was promised yet. */
  async #readPage(): Promise<LogPage | undefined> {
    try {
      const page = await readPage(this.source.client, this.requestId, this.#position, PAGE_ENTRIES);
      this.#awaySinceMs = undefined;
      return page;
    } catch (error) {
      if (!this.#hasRead || FoveaError.isInstance(error)) throw FoveaError.from(error);
      this.#awaySinceMs ??= performance.now();
      if (performance.now() - this.#awaySinceMs > this.source.outageMs) throw FoveaError.from(error);
      await this.pushed.wait(this.source.quietMs / 4);
      this.pushed.isBehind = true;
      return undefined;
    }
  }

  /** A log shorter than what was seen is expired, dropped, or rolled back and perhaps about to be restored. */
  #checkShortLog(exists: boolean, canGrow: boolean): void {
    const gaveUp = new FoveaError(exists ? 'STREAM_INTERRUPTED' : 'GONE');
    if (!this.#hasRead && !exists) throw gaveUp;
    if (exists && !canGrow) throw gaveUp;
    this.#shortSinceMs ??= performance.now();
    if (performance.now() - this.#shortSinceMs > this.source.restoreGraceMs) throw gaveUp;
  }
}
