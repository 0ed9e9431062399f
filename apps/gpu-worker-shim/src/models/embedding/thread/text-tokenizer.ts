import { Tokenizer } from '@huggingface/tokenizers';
import { type Framing, framingOf } from '../../tokenizer/framing.js';
import { cutIds } from './cut-ids.js';
import type { Cut } from './embedding-protocol.js';

/** Turns texts into token ids as the model's own tokenizer does, and cuts them where that is asked for. */
export class TextTokenizer {
  private readonly tokenizer: Tokenizer;
  private readonly framing: Framing;
  /** Characters of the longest token. */
  readonly longestToken: number;

  /** Throws an `Error` when the tokenizer is not supported. */
  constructor(
    tokenizerFile: object,
    tokenizerConfig: object,
    private readonly lowerCase: boolean,
  ) {
    this.tokenizer = new Tokenizer(tokenizerFile, tokenizerConfig);
    this.framing = framingOf(this.tokenizer);
    let longest = 1;
    // An id without a token is an undefined key, whatever the type says.
    for (const token of this.tokenizer.get_vocab().keys()) longest = Math.max(longest, token?.length ?? 0);
    this.longestToken = longest;
  }

  /** Tokens put around a text. */
  get specialTokens(): number {
    return this.framing.prefix.length + this.framing.suffix.length;
  }

  encode(text: string, addSpecialTokens: boolean, cut: Cut | undefined): Int32Array<ArrayBuffer> {
    const plain = this.plainIds(this.lowerCase ? text.toLowerCase() : text);
    const around = addSpecialTokens ? this.specialTokens : 0;
    const kept = cut === undefined ? plain : cutIds(plain, { ...cut, maxTokens: cut.maxTokens - around });
    const { prefix, suffix } = this.framing;
    return Int32Array.from(addSpecialTokens ? [...prefix, ...kept, ...suffix] : kept);
  }

  private plainIds(text: string): number[] {
    return this.tokenizer.encode(text, { add_special_tokens: false }).ids;
  }
}
