import { FoveaError } from '@fovea/errors';
import { type GenerationEvent, isTerminal } from '@fovea/schemas/events';
import type { AppendOutcome, TokenStream } from './port.js';

/** The write side of one attempt, for a caller that produces events one by one. */
export interface TokenWriter {
  /** Takes an event; never waits. After the terminal event nothing may follow. Ignored once `stopped` is aborted. */
  write(event: GenerationEvent): void;
  /** Resolves when there is room for more. Await it between pieces of input, or memory is not bounded. */
  ready(): Promise<void>;
  /**
   * Resolves when all that was written is in the log, with the outcome of the last append.
   * Throws what an append threw.
   */
  flush(): Promise<AppendOutcome>;
  /** Aborted when nothing can be written any more; the reason is `'fenced'`, `'ended'` or the error. */
  readonly stopped: AbortSignal;
}

/** Above this much unwritten text `ready` waits. */
const HIGH_WATER_CHARACTERS = 64 * 1024;
/** One entry holds about that much at most, so that readers can page through a log in small bites. */
const ENTRY_CHARACTERS = 16 * 1024;

/** Roughly the characters an event takes in the log. */
function weigh(event: GenerationEvent): number {
  let weight = 64;
  if ('text' in event) weight += event.text.length;
  if (event.type === 'text-delta') {
    weight += 7 * (event.tokenIds?.length ?? 0);
    for (const logprob of event.logprobs ?? []) weight += 80 * (1 + logprob.top.length);
  }
  return weight;
}

/**
 * Joins what one turn of the event loop produced into one append, and what is produced while that is under way into
 * the next. It never waits on purpose: an idle stream writes a token within the turn that brought it.
 */
export function createCoalescingWriter(
  stream: Pick<TokenStream, 'append'>,
  requestId: string,
  fence: string,
): TokenWriter {
  return new CoalescingWriter(stream, requestId, fence);
}

class CoalescingWriter implements TokenWriter {
  readonly #stop = new AbortController();
  #pending: { readonly event: GenerationEvent; readonly weight: number }[] = [];
  #pendingCharacters = 0;
  #hasEnded = false;
  #draining: Promise<void> | undefined;
  #last: AppendOutcome = { outcome: 'appended', lastId: 0 };
  #waiting: (() => void)[] = [];

  constructor(
    private readonly stream: Pick<TokenStream, 'append'>,
    private readonly requestId: string,
    private readonly fence: string,
  ) {}

  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  write(event: GenerationEvent): void {
    if (this.#hasEnded) throw new FoveaError('INTERNAL', { detail: 'an event after the terminal event' });
    this.#hasEnded = isTerminal(event);
    if (this.stopped.aborted) return;
    const weight = weigh(event);
    this.#pending.push({ event, weight });
    this.#pendingCharacters += weight;
    this.#draining ??= this.#drain();
  }

  ready(): Promise<void> {
    if (this.#pendingCharacters <= HIGH_WATER_CHARACTERS || this.stopped.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async flush(): Promise<AppendOutcome> {
    while (this.#draining !== undefined) await this.#draining;
    if (this.stopped.reason instanceof Error) throw this.stopped.reason;
    return this.#last;
  }

  /** Never rejects: what goes wrong stops the writer. */
  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.#pending.length > 0 && !this.stopped.aborted) {
        this.#last = await this.stream.append(this.requestId, this.fence, this.#takeBatch());
        if (this.#last.outcome !== 'appended') this.#halt(this.#last.outcome);
      }
    } catch (error) {
      this.#halt(FoveaError.from(error));
    }
    this.#draining = undefined;
  }

  #takeBatch(): GenerationEvent[] {
    const batch: GenerationEvent[] = [];
    let characters = 0;
    while (this.#pending.length > 0 && characters < ENTRY_CHARACTERS) {
      const next = this.#pending.shift();
      if (next === undefined) break;
      batch.push(next.event);
      characters += next.weight;
    }
    this.#pendingCharacters -= characters;
    if (this.#pendingCharacters <= HIGH_WATER_CHARACTERS) this.#wakeWaiting();
    return batch;
  }

  #halt(reason: 'fenced' | 'ended' | Error): void {
    this.#pending = [];
    this.#pendingCharacters = 0;
    this.#stop.abort(reason);
    this.#wakeWaiting();
  }

  #wakeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
