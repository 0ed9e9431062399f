/** What a tokenizer thread is asked for. */
export type TokenizerCall =
  | { readonly text: string; readonly addSpecialTokens: boolean; readonly wantsTokens: boolean }
  | { readonly ids: readonly number[]; readonly skipSpecialTokens: boolean };

/** Token ids of a text, or the text of token ids; the other is empty. */
export interface TokenizerAnswer {
  readonly ids: Int32Array<ArrayBuffer>;
  /** As the vocabulary spells them; only where they were asked for. */
  readonly tokens?: readonly string[];
  readonly text: string;
}
