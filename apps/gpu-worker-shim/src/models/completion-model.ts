import type { ChatImage, ChatModel, ChatModelPiece, ChatModelRequest } from './chat-model.js';

/** One item of a raw prompt. The model reads them one after the other, without a template. */
export type CompletionItem =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: ChatImage }
  | {
      readonly type: 'token-ids';
      readonly tokenIds: readonly number[];
      /** Where the client put them, for error messages. */
      readonly path: string;
    };

export interface CompletionRequest
  extends Pick<
    ChatModelRequest,
    'requestId' | 'sampling' | 'choices' | 'imageOptions' | 'priority' | 'cacheSalt'
  > {
  readonly items: readonly CompletionItem[];
  /** Put what the tokenizer has around a text around the prompt, unless it begins with token ids. */
  readonly addSpecialTokens: boolean;
  /** Tell the prompt's own text in the first piece. */
  readonly wantsEcho: boolean;
  /** How many alternatives to each token of the prompt; absent: no log probabilities of the prompt. */
  readonly promptLogprobs?: number;
}

/** What a token of a raw prompt is to the client: its own text, added by the server or special, or part of an image. */
export const promptRoles = { text: 0, hidden: 1, image: 2 } as const;

/** A raw prompt as its client sees it. */
export interface PromptEcho {
  /** Texts as they came, token ids as their text, images as nothing. */
  readonly text: string;
  /** One of `promptRoles` for each token. */
  readonly roles: Uint8Array;
  /** The first token, of which no model thinks anything. */
  readonly first: { readonly token: string; readonly bytes: readonly number[] };
}

/** A model that also goes on from raw prompts; see `ChatModel` for what `start` promises, which `complete` does, too. */
export interface CompletionModel extends ChatModel {
  complete(request: CompletionRequest, signal: AbortSignal): AsyncIterable<ChatModelPiece>;
}
