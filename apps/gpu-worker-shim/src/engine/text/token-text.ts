import { z } from 'zod';

const addedTokenSchema = z.object({
  id: z.number().int().nonnegative(),
  content: z.string(),
  special: z.boolean().optional(),
  lstrip: z.boolean().optional(),
  rstrip: z.boolean().optional(),
});
export type AddedToken = z.infer<typeof addedTokenSchema>;

/** The parts of a `tokenizer.json` that this server reads itself. */
export const tokenizerFileSchema = z.looseObject({
  added_tokens: z.array(z.looseObject(addedTokenSchema.shape)),
  normalizer: z.unknown(),
  pre_tokenizer: z.unknown(),
  decoder: z.looseObject({ type: z.string() }).nullable(),
  model: z.looseObject({ type: z.string(), vocab: z.unknown() }),
});
export type TokenizerFile = z.infer<typeof tokenizerFileSchema>;

const vocabularySchema = z.record(z.string(), z.number().int().nonnegative());

/**
 * The byte behind each character of a byte-level vocabulary (GPT-2's `bytes_to_unicode`, inverted): printable
 * Latin-1 stands for itself, the other 68 bytes for U+0100 and up.
 */
function byteOfCharacter(): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte += 1) {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    bytes.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return bytes;
}

/** The bytes behind every token id of a byte-level tokenizer. */
export interface TokenBytes {
  readonly size: number;
  /** Undefined for an id that no token has. */
  bytesOf(id: number): Uint8Array | undefined;
  isSpecial(id: number): boolean;
  /** Length of the longest token, in bytes. */
  readonly longest: number;
}

/**
 * Reads the bytes of all tokens. Throws an `Error` when the tokenizer is not byte-level: others put blanks or replace
 * characters when decoding, which cannot be undone token by token.
 */
export function readTokenBytes(file: TokenizerFile): TokenBytes {
  if (file.decoder?.type !== 'ByteLevel') {
    throw new Error(`decoder "${file.decoder?.type ?? 'none'}" is not supported, only ByteLevel is`);
  }
  const table: (Uint8Array | undefined)[] = [];
  const byteOf = byteOfCharacter();
  const vocabulary = vocabularySchema.safeParse(file.model.vocab);
  if (!vocabulary.success) throw new Error('model.vocab: is not a list of tokens with their ids');
  for (const [token, id] of Object.entries(vocabulary.data)) {
    table[id] = Uint8Array.from([...token].flatMap((character) => byteOf.get(character) ?? []));
  }
  const special = new Set<number>();
  for (const token of file.added_tokens) {
    table[token.id] = new TextEncoder().encode(token.content);
    if (token.special === true) special.add(token.id);
  }
  return {
    size: table.length,
    bytesOf: (id) => table[id],
    isSpecial: (id) => special.has(id),
    longest: table.reduce((longest, bytes) => Math.max(longest, bytes?.length ?? 0), 0),
  };
}

/** Turns token ids into text as they come: a code point is given out when its last byte is there, never in parts. */
export class IncrementalText {
  // `ignoreBOM` keeps a U+FEFF that the model wrote; the default would swallow it.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(
    private readonly tokens: TokenBytes,
    private readonly skipSpecial: boolean,
  ) {}

  push(id: number): string {
    if (this.skipSpecial && this.tokens.isSpecial(id)) return '';
    const bytes = this.tokens.bytesOf(id);
    return bytes === undefined ? '' : this.decoder.decode(bytes, { stream: true });
  }

  /** What an unfinished code point becomes at the end: U+FFFD, or nothing when all are whole. */
  flush(): string {
    return this.decoder.decode();
  }
}
