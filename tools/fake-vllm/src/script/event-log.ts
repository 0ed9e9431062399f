/** What happens to a request, in the order it can happen. The last three end it. */
export const eventNames = [
  'refused',
  'preprocessing',
  'request',
  'queued',
  'running',
  'held',
  'token',
  /** Its client closed the socket; a hung engine takes no notice. */
  'disconnected',
  'finished',
  'failed',
  'aborted',
] as const;
export type EventName = (typeof eventNames)[number];

export interface FakeEvent {
  readonly event: EventName;
  /** The id the client gave in `X-Request-Id`, or the one made up for it. */
  readonly requestId: string;
  /** The last user text, for matching. */
  readonly text: string;
  /** For `token`, `held` and `aborted`: tokens of the first choice that were sent so far. */
  readonly tokens?: number | undefined;
  readonly gate?: string | undefined;
}

export interface EventFilter {
  readonly requestId?: string | undefined;
  /** A part of the last user text. */
  readonly text?: string | undefined;
  readonly gate?: string | undefined;
  readonly tokens?: number | undefined;
}

export interface WaitOptions extends EventFilter {
  /** Which one: the first by default. Events of the past count, so a test can't come too late. */
  readonly count?: number | undefined;
  /** Milliseconds before the wait is rejected; 10,000 by default. */
  readonly timeoutMs?: number | undefined;
}

interface Waiter {
  readonly offer: (event: FakeEvent) => boolean;
  readonly abandon: (reason: Error) => void;
}

const maxEvents = 50_000;

function fits(event: FakeEvent, name: EventName, filter: EventFilter): boolean {
  return (
    event.event === name &&
    (filter.requestId === undefined || event.requestId === filter.requestId) &&
    (filter.text === undefined || event.text.includes(filter.text)) &&
    (filter.gate === undefined || event.gate === filter.gate) &&
    (filter.tokens === undefined || event.tokens === filter.tokens)
  );
}

/** Everything that happened, so that tests wait for events instead of sleeping. Keeps the last 50,000. */
export class EventLog {
  #events: FakeEvent[] = [];
  readonly #waiters = new Set<Waiter>();

  record(event: FakeEvent): void {
    this.#events.push(event);
    if (this.#events.length > maxEvents) this.#events = this.#events.slice(maxEvents / 2);
    for (const waiter of [...this.#waiters]) if (waiter.offer(event)) this.#waiters.delete(waiter);
  }

  /** Resolves with the `count`th event of that name that fits, now or later; rejects after `timeoutMs`. */
  waitFor(name: EventName, options: WaitOptions = {}): Promise<FakeEvent> {
    const { count = 1, timeoutMs = 45_000 } = options;
    const past = this.#events.filter((event) => fits(event, name, options));
    const found = past[count - 1];
    if (found !== undefined) return Promise.resolve(found);
    let missing = count - past.length;
    return new Promise((resolve, reject) => {
      const offer = (event: FakeEvent): boolean => {
        if (!fits(event, name, options)) return false;
        missing -= 1;
        if (missing > 0) return false;
        clearTimeout(timer);
        resolve(event);
        return true;
      };
      const abandon = (reason: Error): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        reject(reason);
      };
      const waiter: Waiter = { offer, abandon };
      const timer = setTimeout(
        () => abandon(new Error(`fake-vllm: no event '${name}' #${count} within ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#waiters.add(waiter);
    });
  }

  clear(): void {
    this.#events = [];
  }

  close(): void {
    for (const waiter of [...this.#waiters]) waiter.abandon(new Error('fake-vllm: closed'));
  }
}
