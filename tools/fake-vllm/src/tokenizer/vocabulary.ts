/** Ids are below this, as in Qwen2's vocabulary. */
export const vocabularySize = 151_936;
/** Stands for each place of an image in a prompt. */
export const imagePadId = 151_655;

const maxKnown = 200_000;
const known = new Map<number, string>();

/** FNV-1a, 32 bits: stable over runs and platforms. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}

/** The id of a token follows from its text alone, the same in every process. Ordinary ids stay below 151,643. */
export function tokenId(text: string): number {
  const id = hash(text) % 151_643;
  if (!known.has(id) && known.size < maxKnown) known.set(id, text);
  return id;
}

/** The text of an id this process has seen as a token; others read `<id>`. */
export function tokenText(id: number): string {
  return known.get(id) ?? (id === imagePadId ? '<|image_pad|>' : `<${id}>`);
}

/** One word with the white space before it is one token. */
export function splitWords(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

export function encode(text: string): number[] {
  return splitWords(text).map(tokenId);
}
