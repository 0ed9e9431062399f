/** What a tokenizer thread is asked for. */
export type TokenizerCall =
  | { readonly text: string; readonly addSpecialTokens: boolean; readonly wantsTokens: boolean }
  | { readonly ids: readonly number[]; readonly skipSpecialTokens: boolean }
  | { readonly spell: Int32Array };

/** Token ids of a text, the text of token ids, or how they are spelled; the others are empty. */
export interface TokenizerAnswer {
  readonly ids: Int32Array<ArrayBuffer>;
  /** As the vocabulary spells them; only where that was asked for. */
  readonly tokens?: readonly string[];
  readonly text: string;
}
