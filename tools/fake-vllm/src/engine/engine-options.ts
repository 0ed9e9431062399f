import type { Dialect, DialectName } from '../dialect.js';
import { dialects } from '../dialect.js';
import { type ImageTokens, qwenImageTokens } from '../media/image-tokens.js';

/** What a served model can do; the routes of the other tasks answer 404. */
export const tasks = ['generate', 'embed', 'score', 'transcription'] as const;
export type Task = (typeof tasks)[number];

/** How the ids of tool calls look: vLLM's own, Kimi's or Mistral's. */
export type ToolCallIds = 'vllm' | 'kimi' | 'mistral';

export interface FakeEngineOptions {
  /** Served model name; `fake-vlm` by default. */
  readonly model?: string;
  /** Further served names of the same model. */
  readonly aliases?: readonly string[];
  /** Names of LoRA adapters, listed with the model as their parent. */
  readonly loraModels?: readonly string[];
  /** Which vLLM it writes like; `0.29` by default. */
  readonly dialect?: DialectName;
  /** All by default, although a real engine serves one kind of model. */
  readonly tasks?: readonly Task[];
  /** Tokens of prompt and answer; 8192 by default. */
  readonly maxModelLen?: number;
  /** False refuses images as a text-only model does. */
  readonly multimodal?: boolean;
  readonly maxImagesPerPrompt?: number;
  /** Most tokens of one image (the encoder cache); no limit by default. */
  readonly maxTokensPerImage?: number;
  /** `VLLM_MAX_IMAGE_PIXELS`; 178,956,970 by default. */
  readonly maxImagePixels?: number;
  /** `--allowed-local-media-path`; without it a `file://` image is a 500. */
  readonly allowedLocalMediaPath?: string;
  /** Qwen2.5-VL's formula by default. */
  readonly imageTokens?: ImageTokens;
  /** Images the processor cache holds; 1000 by default, 0 turns it off. */
  readonly mmCacheItems?: number;
  /** Size of the KV cache in tokens; one sixteenth of what all slots could ask for by default. */
  readonly kvCacheTokens?: number;
  /** Requests that run at once (`--max-num-seqs`); 256 by default. */
  readonly maxRunning?: number;
  /** Requests that may wait (`--max-num-queued-reqs`); 10,000 by default. More get 503. */
  readonly maxWaiting?: number;
  /** Milliseconds before the first token, whatever the prompt. */
  readonly ttftMs?: number;
  readonly interTokenMs?: number;
  /** Added to the time to the first token for each prompt token that no cache holds. */
  readonly prefillMsPerToken?: number;
  /** What `interTokenMs` grows to when all slots are taken, as a factor; 1 by default. */
  readonly timeFactorUnderLoad?: number;
  /** Milliseconds of the one preprocessing thread for each image it has not cached. */
  readonly preprocessMsPerImage?: number;
  /** Bearer key asked for under /v1 and /v2, as `--api-key` does. */
  readonly apiKey?: string;
  /** `--enable-prompt-tokens-details`. */
  readonly promptTokensDetails?: boolean;
  /** `--enable-force-include-usage`. */
  readonly forceIncludeUsage?: boolean;
  /** `--enable-server-load-tracking`; without it `/load` always says 0. */
  readonly trackLoad?: boolean;
  /** `--enable-request-id-headers`. */
  readonly requestIdHeaders?: boolean;
  /** False: `tool_choice: "auto"` is refused, as without `--enable-auto-tool-choice`. */
  readonly autoToolChoice?: boolean;
  readonly toolCallIds?: ToolCallIds;
  /** Length of an embedding; 64 by default. */
  readonly embeddingSize?: number;
  /** False refuses `dimensions`, as for a model without Matryoshka training. */
  readonly matryoshka?: boolean;
  /** Data parallel ranks; 1 by default. */
  readonly dataParallelSize?: number;
  /** How long a dead engine's server goes on answering; vLLM's 5 s by default. */
  readonly deathGraceMs?: number;
}

/** The options with their defaults. */
export type EngineSettings = Required<
  Omit<FakeEngineOptions, 'dialect' | 'apiKey' | 'allowedLocalMediaPath'>
> & {
  readonly dialect: Dialect;
  readonly apiKey: string | undefined;
  readonly allowedLocalMediaPath: string | undefined;
};

/** vLLM's `VLLM_MAX_IMAGE_PIXELS`: twice PIL's warning level. */
const defaultMaxImagePixels = 178_956_970;

export function toSettings(options: FakeEngineOptions): EngineSettings {
  const { maxModelLen = 8192, maxRunning = 256 } = options;
  return {
    model: 'fake-vlm',
    aliases: [],
    loraModels: [],
    tasks,
    multimodal: true,
    maxImagesPerPrompt: 999,
    maxTokensPerImage: Number.POSITIVE_INFINITY,
    maxImagePixels: defaultMaxImagePixels,
    imageTokens: qwenImageTokens,
    mmCacheItems: 1000,
    kvCacheTokens: Math.ceil((maxRunning * maxModelLen) / 16),
    maxWaiting: 10_000,
    ttftMs: 0,
    interTokenMs: 0,
    prefillMsPerToken: 0,
    timeFactorUnderLoad: 1,
    preprocessMsPerImage: 0,
    promptTokensDetails: false,
    forceIncludeUsage: false,
    trackLoad: false,
    requestIdHeaders: false,
    autoToolChoice: true,
    toolCallIds: 'vllm',
    embeddingSize: 64,
    matryoshka: true,
    dataParallelSize: 1,
    deathGraceMs: 5000,
    ...options,
    maxModelLen,
    maxRunning,
    dialect: dialects[options.dialect ?? '0.29'],
    apiKey: options.apiKey,
    allowedLocalMediaPath: options.allowedLocalMediaPath,
  };
}
