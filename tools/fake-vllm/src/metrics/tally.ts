export interface Counters {
  /** TCP connections ever opened. */
  readonly connections: number;
  /** Requests the engine accepted, by whatever route. */
  readonly requests: number;
  readonly refused: number;
  readonly running: number;
  readonly waiting: number;
  /** Requests whose images are being read; vLLM's metrics show them nowhere (issue 44688). */
  readonly preprocessing: number;
  readonly promptTokens: number;
  readonly generationTokens: number;
  /** Requests whose client closed the socket before the answer was complete. */
  readonly aborted: number;
  /** Those among `aborted` that never got as far as the engine. */
  readonly abandoned: number;
  /** How often the process crashed, died or was started again. */
  readonly crashes: number;
  readonly restarts: number;
  /** Ended requests by finish reason, `abort` and `error` among them. */
  readonly finished: Readonly<Record<string, number>>;
}

export type CounterName = Exclude<
  keyof Counters,
  'running' | 'waiting' | 'preprocessing' | 'aborted' | 'finished'
>;

/** Counts over the fake's whole life, for assertions. `/metrics` starts anew with each restart. */
export class Tally {
  readonly #counts: Record<CounterName, number> = {
    connections: 0,
    requests: 0,
    refused: 0,
    promptTokens: 0,
    generationTokens: 0,
    abandoned: 0,
    crashes: 0,
    restarts: 0,
  };
  readonly #finished: Record<string, number> = { stop: 0, length: 0, abort: 0, error: 0, repetition: 0 };

  add(name: CounterName, amount = 1): void {
    this.#counts[name] += amount;
  }

  finish(reason: string): void {
    this.#finished[reason] = (this.#finished[reason] ?? 0) + 1;
  }

  read(gauges: Pick<Counters, 'running' | 'waiting' | 'preprocessing'>): Counters {
    const finished = { ...this.#finished };
    return { ...this.#counts, ...gauges, aborted: finished.abort ?? 0, finished };
  }
}
