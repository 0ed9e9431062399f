import { splitWords, tokenId } from '../tokenizer/vocabulary.js';

/** Where the text of a token goes in the reply. */
export type Channel = 'content' | 'reasoning' | 'tool';

export interface Token {
  readonly text: string;
  readonly id: number;
  readonly channel: Channel;
  /** For `tool`: which call of the choice it belongs to. */
  readonly call?: number;
}

export interface PlannedCall {
  readonly id: string;
  readonly name: string;
}

/** What one choice is going to say, decided before the first token. */
export interface PlannedChoice {
  readonly index: number;
  readonly tokens: readonly Token[];
  readonly calls: readonly PlannedCall[];
  readonly finishReason: string;
  /** Null at the end of the text, the string or token id when one of the request's stops matched. */
  readonly stopReason: string | number | null;
}

export function toTokens(pieces: readonly string[], channel: Channel = 'content', call?: number): Token[] {
  return pieces.map((text) => ({
    text,
    id: tokenId(text),
    channel,
    ...(call === undefined ? {} : { call }),
  }));
}

export function tokenize(text: string, channel: Channel = 'content', call?: number): Token[] {
  return toTokens(splitWords(text), channel, call);
}
