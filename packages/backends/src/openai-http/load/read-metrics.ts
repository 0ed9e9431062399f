import type { EngineLoad } from '../../index.js';
import { readCacheTokens } from './cache-tokens.js';

/**
 * A line of the Prometheus text format whose metric is one of ours: name, labels, value. vLLM's colon in a name is an
 * underscore behind some exporters.
 */
const sample =
  /^vllm[:_](num_requests_running|num_requests_waiting|(?:kv|gpu)_cache_usage_perc|(?:generation|prompt)_tokens(?:_total)?)(?:\{(?:[^"}\n]|"(?:[^"\\\n]|\\.)*")*\})?[ \t]+(\S+)/gm;

/** Of the API server. Behind several of them (`--api-server-count`) it is not there. */
const startTime = /^process_start_time_seconds[ \t]+(\S+)/m;

function readStartTime(text: string): number | undefined {
  const value = Number(startTime.exec(text)?.[1]);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

const sum = (values: readonly number[] | undefined): number | undefined =>
  values?.reduce((total, value) => total + value, 0);

/** A counter is `_total` since prometheus-client 0.4; a page with both names has the same figures twice. */
function counter(series: ReadonlyMap<string, readonly number[]>, name: string): number | undefined {
  return sum(series.get(`${name}_total`) ?? series.get(name));
}

/**
 * The figures of a vLLM `/metrics` page, by the names of old and new versions. Each engine core of a data-parallel
 * server has series of its own: counts are added, and of the caches' use the fullest one counts.
 */
export function readMetrics(text: string): EngineLoad {
  const series = new Map<string, number[]>();
  for (const [, name = '', digits = ''] of text.matchAll(sample)) {
    const value = Number(digits);
    if (Number.isFinite(value) && value >= 0) series.set(name, [...(series.get(name) ?? []), value]);
  }
  const usages = [
    ...(series.get('kv_cache_usage_perc') ?? []),
    ...(series.get('gpu_cache_usage_perc') ?? []),
  ];
  const load = {
    running: sum(series.get('num_requests_running')),
    waiting: sum(series.get('num_requests_waiting')),
    kvCacheUsage: usages.length === 0 ? undefined : Math.min(1, Math.max(...usages)),
    kvCacheTokens: readCacheTokens(text),
    generatedTokens: counter(series, 'generation_tokens'),
    promptTokens: counter(series, 'prompt_tokens'),
    startedAtS: readStartTime(text),
  };
  return Object.fromEntries(Object.entries(load).filter(([, value]) => value !== undefined));
}
