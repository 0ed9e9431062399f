/**
 * What a model family must offer to answer chat requests. The HTTP layer knows only this file: it has checked the
 * fields and decoded the data URLs, and it turns pieces into chunks or one answer.
 */

import type { ImageCrop } from '@fovea/image-preprocessing';
import type { PromptEcho } from './completion-model.js';

/** An image as the client sent it: encoded bytes, not yet decoded to pixels. */
export interface ChatImage {
  readonly bytes: Uint8Array;
  /** Base64url of the SHA-256 of the bytes, where it is known already. */
  readonly sha256?: string;
  /** They are alone in their buffer, and nobody else's: it may be moved to a thread. */
  readonly isMovable?: boolean;
  /** Where the client put it, for error messages: `messages[0].content[1].image_url.url`. */
  readonly path: string;
  /** The part of the upright image that is seen, and where the client says so; absent: all of it. */
  readonly crop?: { readonly area: ImageCrop; readonly path: string };
}

export type ChatModelPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: ChatImage };

export interface ChatModelMessage {
  readonly role: string;
  /** In the client's order. A plain string arrives as one text part. */
  readonly content: readonly ChatModelPart[];
  readonly name?: string;
}

/** Sampling parameters as the client sent them; an absent field means the model's own default. */
export interface ChatModelSampling {
  /** Lowered by the model to the room its context leaves. 0, in raw prompts only: nothing is generated. */
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  /** 0 or -1: no limit. */
  readonly topK?: number;
  readonly minP?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly repetitionPenalty?: number;
  readonly logitBias?: ReadonlyMap<number, number>;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly stopTokenIds?: readonly number[];
  readonly includeStopString?: boolean;
  readonly ignoreEos?: boolean;
  readonly minTokens?: number;
  readonly skipSpecialTokens?: boolean;
  /** How many alternatives per token; absent: no log probabilities at all. */
  readonly topLogprobs?: number;
}

/** Of a chat template, by their names there. */
export type TemplateVariables = Readonly<Record<string, string | number | boolean | null>>;

export interface ChatModelRequest {
  /** For logs only. */
  readonly requestId: string;
  readonly messages: readonly ChatModelMessage[];
  readonly sampling: ChatModelSampling;
  /** Number of choices, at least 1. */
  readonly choices: number;
  /** Overrides of the image processor's settings, by the names of `preprocessor_config.json`. */
  readonly imageOptions?: { readonly doImageSplitting?: boolean };
  /** False: the prompt ends where the last message ends. */
  readonly addGenerationPrompt?: boolean;
  /** The answer goes on with the text of the last message, which has to be the assistant's in most templates. */
  readonly continueFinalMessage?: boolean;
  /** What the tokenizer has around a text is put around the prompt, on top of what the template writes. */
  readonly addSpecialTokens?: boolean;
  /** What the client sets in the model's chat template; one that the template does not use changes nothing. */
  readonly templateVariables?: TemplateVariables;
  /** Lower runs first; absent: 0. */
  readonly priority?: number;
  /** Nothing that is kept of one request is used for another one unless they have the same salt. */
  readonly cacheSalt?: string;
  /** The beginning of the answer, generated elsewhere: the answer goes on behind it. One choice only. */
  readonly answerTokenIds?: readonly number[];
}

export interface TokenLogprob {
  /** The token's text, with U+FFFD where its bytes are no whole code point. */
  readonly token: string;
  /** Natural logarithm of the probability under the model's own distribution. */
  readonly logprob: number;
  readonly bytes: readonly number[];
}

/** A sampled token and the alternatives asked for; the first alternative is always the sampled token. */
export interface SampledLogprob extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
  /** Its text is not in the answer: a special token, or the one that ended it. */
  readonly isHidden?: boolean;
}

/** A token with its place among all tokens; 1 is the most probable one. */
export interface RankedLogprob extends TokenLogprob {
  readonly id: number;
  readonly rank: number;
}

/** What the model thought of a token of the prompt, and the best ones in order. */
export interface PromptLogprob extends RankedLogprob {
  readonly top: readonly RankedLogprob[];
}

/** Why a choice ended: a stop token (`reason` its id, null for the end-of-text token), a stop string, or the budget. */
export interface ChoiceEnd {
  readonly finishReason: 'stop' | 'length';
  readonly stopReason: string | number | null;
}

/** A piece of the answer. Pieces of several choices interleave; each choice's last piece carries `end`. */
export interface ChatModelPiece {
  readonly index: number;
  /** May be empty: a token whose text is held back still has its id and counts. */
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly logprobs?: readonly SampledLogprob[];
  /**
   * Where they were asked for, in pieces of their own in front of all others: of the prompt's next tokens, from the second
   * one on; null for a token of an image.
   */
  readonly promptLogprobs?: readonly (PromptLogprob | null)[];
  readonly end?: ChoiceEnd;
  /** All tokens of the prompt, images included; the same in every piece. */
  readonly promptTokens: number;
  /** Tokens of this choice so far, this piece included. */
  readonly completionTokens: number;
  /** Only in the first piece of the request, and only where the model works on tokens. */
  readonly promptTokenIds?: readonly number[];
  /** The same, where a raw prompt is to be seen again. */
  readonly promptEcho?: PromptEcho;
}

/** What a model is doing at this moment, for `/metrics`. */
export interface ChatModelLoad {
  readonly running: number;
  /** Accepted and not running yet; image preparation counts, which vLLM hides. */
  readonly waiting: number;
  /** 0 to 1; 0 where the model has no cache. */
  readonly kvCacheUsage: number;
  /** Counts since the start; absent where the model has no such caches. */
  readonly caches?: {
    /** Prompt tokens that were looked up in the prefix cache, and that were found. */
    readonly prefixQueries: number;
    readonly prefixHits: number;
    /** Images of prompts, and those that were neither decoded nor encoded. */
    readonly imageQueries: number;
    readonly imageHits: number;
    /** Sequences that made room for others and were run again. */
    readonly preemptions: number;
  };
}

/**
 * A loaded model that answers chat requests.
 *
 * `start` may refuse at the first pull by throwing a catalogue error (`INVALID_REQUEST`, `INVALID_IMAGE`,
 * `CONTEXT_LENGTH_EXCEEDED`, `MISSING_CAPABILITY`, `QUEUE_FULL`); anything else that it throws is an `INTERNAL`. It
 * yields pieces until every choice has ended. An abort of `signal`, or leaving the loop, frees everything the
 * request holds within one decode step; the iterable then ends or throws, nobody looks at which. The model owns its
 * threads and its queue, refuses with `QUEUE_FULL` when that is full, and never blocks the caller's event loop.
 */
export interface ChatModel {
  readonly id: string;
  /** Tokens of prompt and completion together. */
  readonly maxModelLen: number;
  /** Does it take images? */
  readonly multimodal: boolean;
  /** False once a thread died: requests are refused from then on and `/health` answers 503. */
  readonly isHealthy: boolean;
  load(): ChatModelLoad;
  start(request: ChatModelRequest, signal: AbortSignal): AsyncIterable<ChatModelPiece>;
  /** Ends the threads. Running requests fail; drain before. */
  close(): Promise<void>;
}
