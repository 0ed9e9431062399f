import type { GenerationEvent, TerminalEvent } from '@fovea/schemas/events';

/** One append: what one event-loop turn of the writer produced. */
export interface StreamEntry {
  /** 1, 2, 3 … without gaps, per request. */
  readonly id: number;
  readonly events: readonly GenerationEvent[];
}

export interface StreamState {
  /** Id of the last entry, 0 when nothing was written. */
  readonly lastId: number;
  /** True once an entry with anything but a terminal event exists: a client may have seen text. */
  readonly hasOutput: boolean;
  readonly terminal: TerminalEvent | undefined;
}

export type AppendOutcome =
  /** Written and published. */
  | { readonly outcome: 'appended'; readonly lastId: number }
  /** Another attempt holds the fence: stop, write nothing more. */
  | { readonly outcome: 'fenced' }
  /** The log already has its terminal event. */
  | { readonly outcome: 'ended' };

export interface FollowOptions {
  /** Entries up to this id are known to the reader. Default 0. */
  readonly afterId?: number;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal;
}

export type CancelListener = () => void;

/**
 * The log of one request's events, and the live wire on top of it (DESIGN D4).
 *
 * Writers: exactly one attempt can write. `open` sets the fence (equality, unique per attempt); every `append` of
 * an older fence is refused. An append writes its events, moves the id, stores the terminal event, sets the time
 * to live and publishes, all in one step on the server.
 * Readers: the publish is only a hint. `follow` yields every entry once and in order whatever was lost: a gap in
 * the ids, a reconnect or a quiet second makes it read the log. A slow consumer holds a few entries at most.
 * After a Redis rollback the writer's ids and the log's disagree: the writer re-appends what was lost under the same
 * ids. A reader that has seen more than the log holds waits a moment for that; it is never sent other text under
 * an id it already has: its `follow` throws `STREAM_INTERRUPTED` instead, or `GONE` when the log exists no more.
 * Interest: a request lives while somebody holds its lease; `cancel` reaches the attempt that runs it.
 */
export abstract class TokenStream {
  /** Takes the write side for the attempt `fence` and tells what an earlier attempt left. */
  abstract open(requestId: string, fence: string): Promise<StreamState>;
  /** Appends one entry. `events` is not empty; a terminal event is the last. */
  abstract append(
    requestId: string,
    fence: string,
    events: readonly GenerationEvent[],
  ): Promise<AppendOutcome>;
  /** State of the log as a reader sees it. */
  abstract state(requestId: string): Promise<StreamState>;
  /**
   * Entries after `afterId`, at most `limit`, oldest first. Throws `GONE` when the log with that id is no longer kept,
   * `STREAM_INTERRUPTED` when it holds less than `afterId`.
   */
  abstract read(requestId: string, afterId: number, limit: number): Promise<StreamEntry[]>;
  /** Entries as they come; returns after the one with the terminal event. Subscribed before it first reads. */
  abstract follow(requestId: string, options?: FollowOptions): AsyncIterable<StreamEntry>;
  /** Renews the interest lease of many requests for `ttlMs`; creates it if need be. */
  abstract renewInterest(requestIds: readonly string[], ttlMs: number): Promise<void>;
  /** Which of these nobody waits for any more. */
  abstract lapsed(requestIds: readonly string[]): Promise<string[]>;
  /** Drops the lease and calls the listeners of whoever runs the request. */
  abstract cancel(requestId: string): Promise<void>;
  /** Calls back at most once when the request is cancelled. The returned function stops listening. */
  abstract onCancel(requestId: string, listener: CancelListener): Promise<() => Promise<void>>;
  /** Deletes all that is kept of a request. */
  abstract drop(requestId: string): Promise<void>;
  abstract close(): Promise<void>;
}
