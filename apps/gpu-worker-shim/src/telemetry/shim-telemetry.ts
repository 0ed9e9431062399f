import { buckets, counter, createRegistry, gauge, histogram, type Registry } from '@fovea/observability';
import type { ChatModelLoad } from '../models/chat-model.js';
import type { ServedModel } from '../models/model-family.js';

const labels = ['model_name', 'engine'] as const;

/** Every metric of the shim, under vLLM's names and with its labels, so that what watches vLLM watches this, too. */
export const shimMetrics = {
  running: gauge('vllm:num_requests_running', labels, 'Sequences in decode steps.'),
  waiting: gauge(
    'vllm:num_requests_waiting',
    labels,
    'Accepted and not running yet; unlike vLLM, requests whose images are being prepared count.',
  ),
  cacheUsage: gauge('vllm:kv_cache_usage_perc', labels, 'Part of the KV cache in use, 0 to 1.'),
  preemptions: counter(
    'vllm:num_preemptions_total',
    labels,
    'Sequences that made room for others and were run again.',
  ),
  prefixQueries: counter(
    'vllm:prefix_cache_queries_total',
    labels,
    'Prompt tokens that were looked up in the prefix cache.',
  ),
  prefixHits: counter('vllm:prefix_cache_hits_total', labels, 'Prompt tokens that were found there.'),
  imageQueries: counter('vllm:mm_cache_queries_total', labels, 'Images of prompts.'),
  imageHits: counter(
    'vllm:mm_cache_hits_total',
    labels,
    'Images whose embeddings were at hand: neither decoded nor encoded.',
  ),
  promptTokens: counter('vllm:prompt_tokens_total', labels, 'Prompt tokens, image tokens included.'),
  generationTokens: counter('vllm:generation_tokens_total', labels, 'Generated tokens.'),
  success: counter(
    'vllm:request_success_total',
    [...labels, 'finished_reason'],
    'Ended choices by reason: stop, length, abort, error.',
  ),
  timeToFirstToken: histogram(
    'vllm:time_to_first_token_seconds',
    labels,
    buckets.timeToFirstToken,
    'From the arrival of a request to its first token.',
  ),
  interTokenLatency: histogram(
    'vllm:inter_token_latency_seconds',
    labels,
    buckets.interTokenLatency,
    'Between two tokens of a choice.',
  ),
  latency: histogram(
    'vllm:e2e_request_latency_seconds',
    labels,
    buckets.requestLatency,
    'From the arrival of a request to its last token.',
  ),
} as const;

/** What happens to one request. */
export interface RequestTelemetry {
  /**
   * `promptTokens` and the tokens of a piece of the choice `index`; the first call of a request also ends the time to the
   * first token.
   */
  tokens(promptTokens: number, generated: number, index?: number): void;
  choiceEnded(reason: 'stop' | 'length'): void;
  /** All choices ended, in good order or not. */
  ended(outcome: 'ok' | 'abort' | 'error'): void;
}

export interface ShimTelemetry {
  readonly registry: Registry;
  /** A request has arrived for that model. */
  request(model: string): RequestTelemetry;
  /** Sets the gauges to what the models do now; called when somebody reads the metrics. */
  observeLoad(models: Iterable<ServedModel>): void;
}

const MS_PER_S = 1000;

type CacheCounts = NonNullable<ChatModelLoad['caches']>;

/** Models count since their start; counters are told what has been added since they were last read. */
function createCacheCounts(registry: Registry) {
  const names = ['preemptions', 'prefixQueries', 'prefixHits', 'imageQueries', 'imageHits'] as const;
  const counters = names.map((name) => ({ name, counter: shimMetrics[name].register(registry) }));
  const seen = new Map<string, CacheCounts>();
  return (
    model: string,
    own: { model_name: string; engine: string },
    counts: CacheCounts | undefined,
  ): void => {
    if (counts === undefined) return;
    const before = seen.get(model);
    for (const { name, counter } of counters) counter.inc(own, counts[name] - (before?.[name] ?? 0));
    seen.set(model, { ...counts });
  };
}

/** One per process. */
export function createShimTelemetry(registry: Registry = createRegistry('gpu-worker-shim')): ShimTelemetry {
  const running = shimMetrics.running.register(registry);
  const waiting = shimMetrics.waiting.register(registry);
  const cacheUsage = shimMetrics.cacheUsage.register(registry);
  const promptTokensTotal = shimMetrics.promptTokens.register(registry);
  const generationTokens = shimMetrics.generationTokens.register(registry);
  const success = shimMetrics.success.register(registry);
  const timeToFirstToken = shimMetrics.timeToFirstToken.register(registry);
  const interTokenLatency = shimMetrics.interTokenLatency.register(registry);
  const latency = shimMetrics.latency.register(registry);
  const observeCaches = createCacheCounts(registry);
  const labelsOf = (model: string) => ({ model_name: model, engine: '0' });
  return {
    registry,
    request(model) {
      const own = labelsOf(model);
      const arrivedAtMs = performance.now();
      const elapsedS = () => (performance.now() - arrivedAtMs) / MS_PER_S;
      const lastTokenAtS = new Map<number, number>();
      return {
        tokens(promptTokens, generated, index = 0) {
          const nowS = elapsedS();
          if (lastTokenAtS.size === 0) {
            timeToFirstToken.observe(own, nowS);
            promptTokensTotal.inc(own, promptTokens);
          }
          const lastS = lastTokenAtS.get(index);
          if (lastS !== undefined) interTokenLatency.observe(own, nowS - lastS);
          lastTokenAtS.set(index, nowS);
          generationTokens.inc(own, generated);
        },
        choiceEnded: (reason) => success.inc({ ...own, finished_reason: reason }),
        ended(outcome) {
          if (outcome === 'ok') latency.observe(own, elapsedS());
          else success.inc({ ...own, finished_reason: outcome });
        },
      };
    },
    observeLoad(models) {
      for (const model of models) {
        const load = model.load();
        running.set(labelsOf(model.id), load.running);
        waiting.set(labelsOf(model.id), load.waiting);
        cacheUsage.set(labelsOf(model.id), load.kvCacheUsage);
        if ('caches' in load) observeCaches(model.id, labelsOf(model.id), load.caches);
      }
    },
  };
}
