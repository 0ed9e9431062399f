import { Tokenizer } from '@huggingface/tokenizers';
import { cutIds } from './cut-ids.js';
import type { Cut } from './embedding-protocol.js';

const PROBE = 'a';

/** Where `part` stands in `whole`, or -1. */
function indexOfPart(whole: readonly number[], part: readonly number[]): number {
  return whole.findIndex((_id, at) => part.every((id, offset) => whole[at + offset] === id));
}

/** Turns texts into token ids as the model's own tokenizer does, and cuts them where that is asked for. */
export class TextTokenizer {
  private readonly tokenizer: Tokenizer;
  private readonly prefix: readonly number[];
  private readonly suffix: readonly number[];
  /** Characters of the longest token. */
  readonly longestToken: number;

  /** Throws an `Error` when the tokenizer is not supported. */
  constructor(
    tokenizerFile: object,
    tokenizerConfig: object,
    private readonly lowerCase: boolean,
  ) {
    this.tokenizer = new Tokenizer(tokenizerFile, tokenizerConfig);
    const plain = this.plainIds(PROBE);
    const framed = this.tokenizer.encode(PROBE).ids;
    const start = plain.length === 0 ? -1 : indexOfPart(framed, plain);
    if (start < 0) throw new Error(`the special tokens around "${PROBE}" cannot be told from its own`);
    this.prefix = framed.slice(0, start);
    this.suffix = framed.slice(start + plain.length);
    let longest = 1;
    // An id without a token is an undefined key, whatever the type says.
    for (const token of this.tokenizer.get_vocab().keys()) longest = Math.max(longest, token?.length ?? 0);
    this.longestToken = longest;
  }

  /** Tokens put around a text. */
  get specialTokens(): number {
    return this.prefix.length + this.suffix.length;
  }

  encode(text: string, addSpecialTokens: boolean, cut: Cut | undefined): Int32Array<ArrayBuffer> {
    const plain = this.plainIds(this.lowerCase ? text.toLowerCase() : text);
    const around = addSpecialTokens ? this.specialTokens : 0;
    const kept = cut === undefined ? plain : cutIds(plain, { ...cut, maxTokens: cut.maxTokens - around });
    return Int32Array.from(addSpecialTokens ? [...this.prefix, ...kept, ...this.suffix] : kept);
  }

  private plainIds(text: string): number[] {
    return this.tokenizer.encode(text, { add_special_tokens: false }).ids;
  }
}
