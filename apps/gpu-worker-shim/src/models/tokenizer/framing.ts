import type { Tokenizer } from '@huggingface/tokenizers';

const PROBE = 'a';

/** Tokens that a tokenizer puts around every text. */
export interface Framing {
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

/** Where `part` stands in `whole`, or -1. */
function indexOfPart(whole: readonly number[], part: readonly number[]): number {
  return whole.findIndex((_id, at) => part.every((id, offset) => whole[at + offset] === id));
}

/** Finds out what a tokenizer puts around a text. Throws an `Error` when that cannot be told from the text's own tokens. */
export function framingOf(tokenizer: Tokenizer): Framing {
  const plain = tokenizer.encode(PROBE, { add_special_tokens: false }).ids;
  const framed = tokenizer.encode(PROBE).ids;
  const start = plain.length === 0 ? -1 : indexOfPart(framed, plain);
  if (start < 0) throw new Error(`the special tokens around "${PROBE}" cannot be told from its own`);
  return { prefix: framed.slice(0, start), suffix: framed.slice(start + plain.length) };
}
