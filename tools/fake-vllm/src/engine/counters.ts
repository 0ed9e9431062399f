export interface Counters {
  /** TCP connections ever opened. */
  readonly connections: number;
  /** Chat requests that were accepted. */
  readonly requests: number;
  readonly refused: number;
  readonly running: number;
  readonly waiting: number;
  readonly promptTokens: number;
  readonly generationTokens: number;
  /** Requests whose client closed the socket before the answer was complete. */
  readonly aborted: number;
  /** Ended requests by finish reason, `abort` and `error` among them. */
  readonly finished: Readonly<Record<string, number>>;
}

export type CounterName = 'connections' | 'requests' | 'refused' | 'promptTokens' | 'generationTokens';

/** The counts behind `/metrics`. */
export class Tally {
  readonly #counts: Record<CounterName, number> = {
    connections: 0,
    requests: 0,
    refused: 0,
    promptTokens: 0,
    generationTokens: 0,
  };
  readonly #finished: Record<string, number> = { stop: 0, length: 0, abort: 0, error: 0, repetition: 0 };

  add(name: CounterName, amount = 1): void {
    this.#counts[name] += amount;
  }

  finish(reason: string): void {
    this.#finished[reason] = (this.#finished[reason] ?? 0) + 1;
  }

  read(gauges: { running: number; waiting: number }): Counters {
    const finished = { ...this.#finished };
    return { ...this.#counts, ...gauges, aborted: finished.abort ?? 0, finished };
  }
}

/** vLLM's `/metrics` page, as far as schedulers read it. */
export function prometheusText(counters: Counters, model: string, maxRunning: number): string {
  const label = `model_name="${model}",engine="0"`;
  const metric = (name: string, type: string, samples: readonly string[]): string =>
    [`# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`)].join('\n');
  const kvUsage = Math.min(1, counters.running / maxRunning);
  const outcomes = Object.entries(counters.finished);
  return `${[
    metric('vllm:num_requests_running', 'gauge', [`{${label}} ${counters.running}`]),
    metric('vllm:num_requests_waiting', 'gauge', [`{${label}} ${counters.waiting}`]),
    metric('vllm:kv_cache_usage_perc', 'gauge', [`{${label}} ${kvUsage}`]),
    metric('vllm:prompt_tokens_total', 'counter', [`{${label}} ${counters.promptTokens}`]),
    metric('vllm:generation_tokens_total', 'counter', [`{${label}} ${counters.generationTokens}`]),
    metric(
      'vllm:request_success_total',
      'counter',
      outcomes.map(([reason, count]) => `{finished_reason="${reason}",${label}} ${count}`),
    ),
  ].join('\n')}\n`;
}
