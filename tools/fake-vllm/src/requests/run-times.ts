import type { EngineMetrics } from '../metrics/engine-metrics.js';

/** When the phases of one request began, and the histograms they end up in; seconds. */
export class RunTimes {
  readonly #metrics: EngineMetrics;
  readonly #arrivedMs: number;
  #scheduledMs: number | undefined;
  #firstMs: number | undefined;
  #lastMs: number | undefined;
  #tokens = 0;

  constructor(metrics: EngineMetrics, arrivedMs: number) {
    this.#metrics = metrics;
    this.#arrivedMs = arrivedMs;
  }

  scheduled(): void {
    this.#scheduledMs = performance.now();
  }

  produced(tokens: number): void {
    const now = performance.now();
    if (this.#lastMs === undefined) {
      this.#firstMs = now;
      this.#metrics.observe('vllm:time_to_first_token_seconds', (now - this.#arrivedMs) / 1000);
    } else this.#metrics.observeTokenLatency((now - this.#lastMs) / 1000);
    this.#lastMs = now;
    this.#tokens += tokens;
  }

  /** vLLM observes whole requests only when they end well. */
  end(reason: string): void {
    if (reason === 'abort' || reason === 'error' || this.#scheduledMs === undefined) return;
    const now = performance.now();
    const first = this.#firstMs ?? now;
    const observe = (name: Parameters<EngineMetrics['observe']>[0], fromMs: number, toMs: number): void =>
      this.#metrics.observe(name, (toMs - fromMs) / 1000);
    observe('vllm:e2e_request_latency_seconds', this.#arrivedMs, now);
    observe('vllm:request_queue_time_seconds', this.#arrivedMs, this.#scheduledMs);
    observe('vllm:request_prefill_time_seconds', this.#scheduledMs, first);
    observe('vllm:request_decode_time_seconds', first, now);
    observe('vllm:request_inference_time_seconds', this.#scheduledMs, now);
    this.#metrics.observe('vllm:request_generation_tokens', this.#tokens);
    if (this.#tokens > 1) {
      const perToken = (now - first) / 1000 / (this.#tokens - 1);
      this.#metrics.observe('vllm:request_time_per_output_token_seconds', perToken);
    }
  }
}
