import type { GenerationEvent } from '@fovea/schemas/events';
import type {
  CompletionSampling,
  ImageCrop,
  ResponseFormat,
  Sampling,
  Tool,
  ToolCall,
  ToolChoice,
} from '@fovea/schemas/jobs';

export { EngineGoneError, isEngineGone } from './engine-gone.js';

/** An image as the engine gets it: its bytes are read while they are sent, so no image is ever in memory as a whole. */
export interface EngineImage {
  readonly mediaType: string;
  readonly byteSize: number;
  /** Where the client put it, for errors. */
  readonly path: string;
  /** The engine's cache key for these bytes, ours and never a client's; absent when the engine must hash them itself. */
  readonly uuid?: string;
  /** `file://` address of the same bytes as the engine sees them; sent in place of the bytes. */
  readonly fileUrl?: string;
  /**
   * A fresh run over all `byteSize` bytes; a second try of a request asks again. A chunk is used before the next one is
   * asked for. What it throws is what `generate` throws.
   */
  chunks(): AsyncIterable<Uint8Array>;
}

export type EnginePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: EngineImage };

export interface EngineMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  /** A plain string stays one: templates of text-only models know nothing else. */
  readonly content: string | readonly EnginePart[];
  readonly name?: string;
  /** On `assistant`. */
  readonly toolCalls?: readonly ToolCall[];
  /** On `tool`. */
  readonly toolCallId?: string;
}

/** What every generation has. */
interface GenerationBase {
  readonly requestId: string;
  readonly model: string;
  /** W3C trace context, handed on as it is. */
  readonly traceparent?: string;
}

export interface ChatGeneration extends GenerationBase {
  readonly kind: 'chat';
  readonly messages: readonly EngineMessage[];
  readonly sampling: Sampling;
  readonly tools?: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly responseFormat?: ResponseFormat;
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Keeps the engine's prefix cache apart from that of other tenants. */
  readonly cacheSalt?: string;
}

export type EnginePromptItem =
  | { readonly type: 'text'; readonly text: string }
  /** The square in the middle, or another one; without `crop` the whole image. */
  | { readonly type: 'image'; readonly image: EngineImage; readonly crop?: ImageCrop | 'center' }
  | { readonly type: 'token-ids'; readonly tokenIds: readonly number[] };

/** Goes on from raw prompts. */
export interface CompletionGeneration extends GenerationBase {
  readonly kind: 'completion';
  /**
   * One or more; each has `n` choices, numbered prompt by prompt. Of several, each is one text or one list of token ids.
   * Only our own engine takes images, and items of several kinds in one prompt.
   */
  readonly prompts: readonly (readonly EnginePromptItem[])[];
  /** Without `maxTokens`: as many as the first prompt leaves of `contextTokens`, at most `maximumTokens`. */
  readonly sampling: CompletionSampling;
  readonly contextTokens: number;
  readonly maximumTokens?: number;
  /** The answer begins with the prompt; with `logprobs`, with those of its tokens, too. Then no token ids come. */
  readonly echo?: boolean;
  readonly responseFormat?: ResponseFormat;
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Keeps the engine's prefix cache apart from that of other tenants. */
  readonly cacheSalt?: string;
}

/** Speech as the engine gets it: read while it is sent. */
export type EngineAudio = Pick<EngineImage, 'mediaType' | 'byteSize' | 'path' | 'chunks'>;

export interface TranscriptionGeneration extends GenerationBase {
  readonly kind: 'transcription';
  readonly audio: EngineAudio;
  /** ISO 639-1; absent: the engine listens for it. */
  readonly language?: string;
  readonly prompt?: string;
  readonly temperature?: number;
}

/** All that an engine answers with a stream of events. */
export type Generation = ChatGeneration | CompletionGeneration | TranscriptionGeneration;

/** What an engine says of itself; part of the model package's content. */
export interface EngineModel {
  readonly id: string;
  readonly maxModelLen: number;
}

/** What an engine says of its load. A figure it does not report is absent. */
export interface EngineLoad {
  /** Requests in its batch. */
  readonly running?: number;
  /** Requests it has accepted and not begun. */
  readonly waiting?: number;
  /** Part of its KV cache that is taken, 0 to 1. */
  readonly kvCacheUsage?: number;
  /** Tokens that its KV cache holds. */
  readonly kvCacheTokens?: number;
  /** Tokens generated since its start; only ever grows. Stands still while requests run: the engine hangs. */
  readonly generatedTokens?: number;
  /** Prompt tokens worked off since its start; a long prefill moves only this one. */
  readonly promptTokens?: number;
  /** When the process began that counts, in seconds since the epoch; another value is another process. */
  readonly startedAtS?: number;
}

export interface EmbedRequest {
  readonly requestId: string;
  readonly model: string;
  /** Texts, or prompts as token ids; never both. */
  readonly inputs: readonly (string | readonly number[])[];
  readonly dimensions?: number;
}

export interface EmbedAnswer {
  /** One per input, in order: little-endian float32 values, base64. */
  readonly vectors: readonly string[];
  readonly promptTokens: number;
}

export interface RerankRequest {
  readonly requestId: string;
  readonly model: string;
  /** For all documents, or one for each: the jobs of several clients in one call. */
  readonly query: string | readonly string[];
  readonly documents: readonly string[];
}

export interface RerankAnswer {
  /** One per document, in the order of the request. */
  readonly scores: readonly number[];
  readonly promptTokens: number;
}

export interface TokensRequest {
  readonly requestId: string;
  readonly model: string;
}

/** What an engine says of its tokenizer. Throws as `generate` does; `MISSING_CAPABILITY` where the engine has no such route. */
export interface EngineTokens {
  /** Without special tokens. `tokens` are as the vocabulary spells them, one per id; absent when the engine does not tell. */
  tokenize(
    request: TokensRequest & { readonly text: string },
    signal: AbortSignal,
  ): Promise<{ readonly tokenIds: readonly number[]; readonly tokens?: readonly string[] }>;
  detokenize(
    request: TokensRequest & { readonly tokenIds: readonly number[] },
    signal: AbortSignal,
  ): Promise<string>;
  /** The bytes of the model's `tokenizer.json`. */
  tokenizerFile(request: TokensRequest, signal: AbortSignal): Promise<Buffer>;
}

/**
 * An engine that runs models (DESIGN D3).
 *
 * `generate` starts the work at the first pull and yields events in the order of `schemas/events`; it ends with
 * `generation-end` or throws a catalogue error (`INVALID_REQUEST`, `INVALID_IMAGE`, `CONTEXT_LENGTH_EXCEEDED`,
 * `QUEUE_FULL`, `BACKEND_ERROR` …) whose public text holds no address of the engine. It never yields an `error` event:
 * what an error means for the request is the caller's decision. An abort of `signal`, or leaving the loop, destroys
 * the engine's socket, which is the only abort vLLM knows. A stream that ends without a finish reason for
 * each choice is a failure. Events that one read of the socket produced are yielded together.
 *
 * Every other method throws the same errors and ends with its signal. For each of them `isEngineGone` tells an engine
 * that is dead from one that is busy, slow or odd.
 */
export abstract class Backend {
  abstract generate(request: Generation, signal: AbortSignal): AsyncIterable<readonly GenerationEvent[]>;
  /** Vectors for texts. All or nothing: one input that is refused refuses the request. */
  abstract embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedAnswer>;
  /** How well each document fits the query; larger is better. The scale is the model's. */
  abstract rerank(request: RerankRequest, signal: AbortSignal): Promise<RerankAnswer>;
  abstract readonly tokens: EngineTokens;
  /** Throws when the engine is not fit to take work. */
  abstract checkHealth(signal: AbortSignal): Promise<void>;
  /** Empty when the engine reports no figures. */
  abstract load(signal: AbortSignal): Promise<EngineLoad>;
  abstract models(signal: AbortSignal): Promise<EngineModel[]>;
  abstract close(): Promise<void>;
}
