/** How a generation is run and reported; what chat, completions and transcription have in common. */
export interface Sampling {
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  /** Room for the answer: what was asked for, lowered to what the context leaves. */
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  /** Choices per prompt. */
  readonly n: number;
  readonly seed: number;
  readonly stops: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly includeStop: boolean;
  /** Alternatives per token; undefined when no logprobs were asked for. */
  readonly topLogprobs: number | undefined;
  readonly returnTokenIds: boolean;
  /** Tokens of logprobs are shown as `token_id:N`. */
  readonly returnTokensAsIds: boolean;
}

/** A prompt as the engine's caches and counters see it. */
export interface Prompt {
  readonly ids: readonly number[];
  /** Like `ids`, but each place of an image holds a number that only this image has. */
  readonly cacheIds: readonly number[];
}
