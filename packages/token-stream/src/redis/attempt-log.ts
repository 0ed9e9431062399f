import { FoveaError } from '@fovea/errors';
import { requestKey } from '@fovea/redis';
import { type ErrorEvent, type GenerationEvent, isTerminal } from '@fovea/schemas/events';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { AppendOutcome } from '../index.js';
import { encodeElement, writerTag } from './log-entry.js';
import { appendScript, openScript } from './log-scripts.js';

/** What an attempt needs of its token stream. */
export interface LogLimits {
  readonly openTtlMs: number;
  readonly endedTtlMs: number;
  readonly maxLogBytes: number;
}

interface Element {
  readonly text: string;
  readonly terminal: string;
  readonly hasOutput: boolean;
}

const PUBLISHED_WHOLE_BYTES = 64 * 1024;
/** What one attempt can write again after a Redis rollback; an AOF that syncs every second loses far less. */
const RECENT_BYTES = 256 * 1024;
const REPAIR_ROUNDS = 5;

const replySchema = z.tuple([
  z.enum(['appended', 'fenced', 'missing', 'ended', 'diverged', 'full']),
  z.number(),
]);

const errorEvent = (code: ErrorEvent['code']): ErrorEvent => {
  const { message } = new FoveaError(code);
  return { type: 'error', code, message };
};

/**
 * The write side of one attempt.
 *
 * It knows the length its log must have and keeps the entries it wrote last. When Redis comes back with less than
 * that, it writes the very same entries again under the same ids; when it cannot, it ends the log with
 * `STREAM_INTERRUPTED`, because going on would leave a hole.
 */
export class AttemptLog {
  readonly #writer: string;
  readonly #recent: { readonly id: number; readonly element: Element }[] = [];
  #recentBytes = 0;
  #previous: Promise<unknown> = Promise.resolve();
  #seenInterruptions: number;
  #touchedAtMs = performance.now();
  #appendsUnderWay = 0;

  constructor(
    private readonly client: Redis,
    private readonly limits: LogLimits,
    private readonly requestId: string,
    readonly fence: string,
    private lastId: number,
    /** How often the connection was lost so far. Only a lost connection can explain a lost state. */
    private readonly interruptions: () => number,
  ) {
    this.#writer = writerTag(fence);
    this.#seenInterruptions = interruptions();
  }

  /** One append after the other, in the order of the calls. */
  append(events: readonly GenerationEvent[]): Promise<AppendOutcome> {
    this.#appendsUnderWay += 1;
    const outcome = this.#previous
      .then(() => this.#append(this.#toElement(events)))
      .finally(() => {
        this.#appendsUnderWay -= 1;
        this.#touchedAtMs = performance.now();
      });
    this.#previous = outcome.catch(() => undefined);
    return outcome;
  }

  isIdleFor(durationMs: number): boolean {
    return this.#appendsUnderWay === 0 && performance.now() - this.#touchedAtMs > durationMs;
  }

  async #append(element: Element): Promise<AppendOutcome> {
    for (let round = 0; round < REPAIR_ROUNDS; round++) {
      const [status, length] = await this.#send(this.lastId, element);
      switch (status) {
        case 'appended':
          this.#remember(length, element);
          return { outcome: 'appended', lastId: length };
        case 'fenced':
        case 'ended':
          return { outcome: status };
        case 'full':
          return this.#end(length, 'STORAGE_FULL');
        case 'missing':
          if (this.interruptions() === this.#seenInterruptions) return { outcome: 'fenced' };
          if (!(await this.#reopen())) return { outcome: 'fenced' };
          break;
        case 'diverged':
          if (!(await this.#restore(length))) return this.#end(length, 'STREAM_INTERRUPTED');
      }
    }
    throw new FoveaError('INTERNAL', {
      detail: 'a request log could not be repaired after a Redis rollback',
    });
  }

  async #send(believed: number, element: Element): Promise<z.infer<typeof replySchema>> {
    const { openTtlMs, endedTtlMs, maxLogBytes } = this.limits;
    const reply = await appendScript.run(
      this.client,
      [requestKey(this.requestId, 'log'), requestKey(this.requestId, 'state')],
      [
        this.fence,
        believed,
        element.text,
        element.terminal,
        element.hasOutput ? '1' : '0',
        element.terminal === '' ? openTtlMs : endedTtlMs,
        requestKey(this.requestId, 'live'),
        this.#writer,
        PUBLISHED_WHOLE_BYTES,
        maxLogBytes,
      ],
    );
    return replySchema.parse(reply);
  }

  /** Takes the write side again after a rollback lost it; false when another attempt was quicker. */
  async #reopen(): Promise<boolean> {
    const keys = [requestKey(this.requestId, 'log'), requestKey(this.requestId, 'state')];
    const reply = await openScript.run(this.client, keys, [this.fence, this.limits.openTtlMs, '1']);
    return Array.isArray(reply) && reply[0] === this.fence;
  }

  /** Writes again what the log has lost after `length`; false when that is no longer all known. */
  async #restore(length: number): Promise<boolean> {
    const lost = this.#recent.filter(({ id }) => id > length);
    if (length > this.lastId || lost.length !== this.lastId - length) return false;
    for (const { id, element } of lost) {
      const [status] = await this.#send(id - 1, element);
      if (status !== 'appended') break;
    }
    return true;
  }

  async #end(length: number, code: ErrorEvent['code']): Promise<AppendOutcome> {
    const [status] = await this.#send(length, this.#toElement([errorEvent(code)]));
    return { outcome: status === 'fenced' ? 'fenced' : 'ended' };
  }

  #remember(id: number, element: Element): void {
    this.lastId = id;
    this.#seenInterruptions = this.interruptions();
    this.#recent.push({ id, element });
    this.#recentBytes += element.text.length;
    while (this.#recentBytes > RECENT_BYTES)
      this.#recentBytes -= this.#recent.shift()?.element.text.length ?? 0;
  }

  #toElement(events: readonly GenerationEvent[]): Element {
    const last = events.at(-1);
    return {
      text: encodeElement(this.#writer, events),
      terminal: last !== undefined && isTerminal(last) ? JSON.stringify(last) : '',
      hasOutput: events.some((event) => !isTerminal(event)),
    };
  }
}
