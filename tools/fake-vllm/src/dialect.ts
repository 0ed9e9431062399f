/** Releases of vLLM whose wire differs enough to matter to a client. */
export const dialectNames = ['0.10', '0.22', '0.29'] as const;
export type DialectName = (typeof dialectNames)[number];

/** What one release writes and reads differently from another. */
export interface Dialect {
  /** What `/version` says; the suffix admits that this is no vLLM. */
  readonly version: string;
  /** `flat` up to 0.10.0, `nested` since (vLLM PR 22099). */
  readonly errorForm: 'nested' | 'flat';
  readonly reasoningField: 'reasoning' | 'reasoning_content';
  /** Whether replies have the keys `token_ids` and `prompt_token_ids`. */
  readonly hasTokenIds: boolean;
  readonly hasFingerprint: boolean;
  /** Old servers echo the requested alias; new ones say the first served name. */
  readonly echoesModelName: boolean;
  /** Which fields ask for constrained decoding; the others are ignored as unknown. */
  readonly constraints: 'guided' | 'structured_outputs';
  /** Old servers append the repr of the missing cause to every error of preprocessing. */
  readonly causeSuffix: '' | ' None';
  /** An image PIL can't decode: a plain-text 500 in 0.10. */
  readonly undecodableImage: 'refused' | 'uncaught';
  /** The status of an image above the pixel cap (vLLM PR 47010). */
  readonly pixelCapStatus: 400 | 500;
  readonly unknownPartStatus: 400 | 501;
  /** Whether `/tokenize` counts the tokens of images (vLLM PR 34560). */
  readonly tokenizeExpandsImages: boolean;
  /** `--max-num-queued-reqs` exists (vLLM PR 49445). */
  readonly boundsQueue: boolean;
  /** The most choices a request may ask for (CVE-2026-34756). */
  readonly maxSequences: number;
  readonly kvUsageMetric: string;
  readonly prefixCacheMetric: string;
  readonly tokenLatencyMetric: string;
}

const newest: Dialect = {
  version: '0.29.0',
  errorForm: 'nested',
  reasoningField: 'reasoning',
  hasTokenIds: true,
  hasFingerprint: true,
  echoesModelName: false,
  constraints: 'structured_outputs',
  causeSuffix: '',
  undecodableImage: 'refused',
  pixelCapStatus: 400,
  unknownPartStatus: 400,
  tokenizeExpandsImages: true,
  boundsQueue: true,
  maxSequences: 16_384,
  kvUsageMetric: 'vllm:kv_cache_usage_perc',
  prefixCacheMetric: 'vllm:prefix_cache',
  tokenLatencyMetric: 'vllm:inter_token_latency_seconds',
};

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  '0.29': newest,
  '0.22': { ...newest, version: '0.22.0', pixelCapStatus: 500, boundsQueue: false },
  '0.10': {
    version: '0.10.0',
    errorForm: 'flat',
    reasoningField: 'reasoning_content',
    hasTokenIds: false,
    hasFingerprint: false,
    echoesModelName: true,
    constraints: 'guided',
    causeSuffix: ' None',
    undecodableImage: 'uncaught',
    pixelCapStatus: 500,
    unknownPartStatus: 501,
    tokenizeExpandsImages: false,
    boundsQueue: false,
    maxSequences: Number.POSITIVE_INFINITY,
    kvUsageMetric: 'vllm:gpu_cache_usage_perc',
    prefixCacheMetric: 'vllm:gpu_prefix_cache',
    tokenLatencyMetric: 'vllm:time_per_output_token_seconds',
  },
};
