import type { Dialect } from '../dialect.js';
import {
  choiceBounds,
  firstTokenBounds,
  Histogram,
  requestBounds,
  tokenBounds,
  tokenLatencyBounds,
} from './histogram.js';

const histogramBounds = {
  'vllm:time_to_first_token_seconds': firstTokenBounds,
  'vllm:request_time_per_output_token_seconds': tokenLatencyBounds,
  'vllm:e2e_request_latency_seconds': requestBounds,
  'vllm:request_queue_time_seconds': requestBounds,
  'vllm:request_prefill_time_seconds': requestBounds,
  'vllm:request_decode_time_seconds': requestBounds,
  'vllm:request_inference_time_seconds': requestBounds,
  'vllm:request_prompt_tokens': tokenBounds,
  'vllm:request_generation_tokens': tokenBounds,
  'vllm:request_params_max_tokens': tokenBounds,
  'vllm:request_params_n': choiceBounds,
  'vllm:iteration_tokens_total': tokenBounds,
} as const;
export type HistogramName = keyof typeof histogramBounds;

const counterNames = [
  'vllm:prompt_tokens',
  'vllm:generation_tokens',
  'vllm:prompt_tokens_cached',
  'vllm:num_preemptions',
  'vllm:mm_cache_queries',
  'vllm:mm_cache_hits',
] as const;
export type MetricCounter = (typeof counterNames)[number] | 'prefix_cache_queries' | 'prefix_cache_hits';

export interface Gauges {
  readonly running: number;
  readonly waiting: number;
  /** Share of the KV cache in use, 0–1. */
  readonly kvUsage: number;
}

export interface MetricFacts extends Gauges {
  readonly model: string;
  readonly blockSize: number;
  readonly blocks: number;
  /** Seconds since the epoch. */
  readonly startedAtS: number;
}

/** What `/metrics` shows of one life of the engine process; a restart begins again at zero. */
export class EngineMetrics {
  readonly #dialect: Dialect;
  readonly #counters = new Map<MetricCounter, number>();
  readonly #finished = new Map<string, number>(
    ['stop', 'length', 'abort', 'error', 'repetition'].map((reason) => [reason, 0]),
  );
  readonly #histograms: Readonly<Record<HistogramName, Histogram>>;
  readonly #tokenLatency = new Histogram(tokenLatencyBounds);
  readonly #http = new Map<string, number>();

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    const entries = Object.entries(histogramBounds).map(([name, bounds]) => [name, new Histogram(bounds)]);
    this.#histograms = Object.fromEntries(entries) as Record<HistogramName, Histogram>;
  }

  add(name: MetricCounter, amount: number): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + amount);
  }

  observe(name: HistogramName, value: number): void {
    this.#histograms[name].observe(value);
  }

  observeTokenLatency(seconds: number): void {
    this.#tokenLatency.observe(seconds);
  }

  finish(reason: string): void {
    this.#finished.set(reason, (this.#finished.get(reason) ?? 0) + 1);
  }

  countHttp(method: string, path: string, status: number): void {
    const label = `handler="${path}",method="${method}",status="${Math.floor(status / 100)}xx"`;
    this.#http.set(label, (this.#http.get(label) ?? 0) + 1);
  }

  /** The page in Prometheus' text format, under the names of the dialect. */
  toText(facts: MetricFacts): string {
    const label = `engine="0",model_name="${facts.model}"`;
    const blocks: string[][] = [
      ...this.#gaugeBlocks(facts, label),
      ...this.#counterBlocks(label),
      ...Object.entries(this.#histograms).map(([name, histogram]) => [
        `# TYPE ${name} histogram`,
        ...histogram.lines(name, label),
      ]),
      [
        `# TYPE ${this.#dialect.tokenLatencyMetric} histogram`,
        ...this.#tokenLatency.lines(this.#dialect.tokenLatencyMetric, label),
      ],
      ['# TYPE process_start_time_seconds gauge', `process_start_time_seconds ${facts.startedAtS}`],
      [
        '# TYPE http_requests_total counter',
        ...[...this.#http].map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
      ],
    ];
    return `${blocks.flat().join('\n')}\n`;
  }

  #gaugeBlocks(facts: MetricFacts, label: string): string[][] {
    const gauge = (name: string, value: number, more = ''): string[] => [
      `# TYPE ${name} gauge`,
      `${name}{${label}${more}} ${value}`,
    ];
    const byReason = 'vllm:num_requests_waiting_by_reason';
    return [
      gauge('vllm:num_requests_running', facts.running),
      gauge('vllm:num_requests_waiting', facts.waiting),
      this.#dialect.tokenLatencyMetric === 'vllm:inter_token_latency_seconds'
        ? [
            ...gauge(byReason, facts.waiting, ',reason="capacity"'),
            `${byReason}{${label},reason="deferred"} 0`,
          ]
        : [],
      gauge(this.#dialect.kvUsageMetric, facts.kvUsage),
      gauge(
        'vllm:cache_config_info',
        1,
        `,block_size="${facts.blockSize}",num_gpu_blocks="${facts.blocks}",enable_prefix_caching="True"`,
      ),
    ];
  }

  #counterBlocks(label: string): string[][] {
    const counter = (name: string, value: number): string[] => [
      `# TYPE ${name}_total counter`,
      `${name}_total{${label}} ${value}`,
    ];
    const count = (name: MetricCounter): number => this.#counters.get(name) ?? 0;
    const prefix = this.#dialect.prefixCacheMetric;
    return [
      ...counterNames.map((name) => counter(name, count(name))),
      counter(`${prefix}_queries`, count('prefix_cache_queries')),
      counter(`${prefix}_hits`, count('prefix_cache_hits')),
      [
        '# TYPE vllm:request_success_total counter',
        ...[...this.#finished].map(
          ([reason, n]) => `vllm:request_success_total{finished_reason="${reason}",${label}} ${n}`,
        ),
      ],
    ];
  }
}
