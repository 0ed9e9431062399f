/** What a body may hold, whatever its size: parsing costs by the value, not by the byte. */
export const jsonLimits = {
  /** How deep lists and objects may be nested. */
  depth: 64,
  /** Lists and objects together. */
  containers: 100_000,
  /** Fields of one object. */
  fields: 16_384,
  /** Of one field's name. */
  nameCharacters: 1024,
  /** Items of all lists and fields of all objects together: an embedding of a million token ids has its place. */
  values: 2_000_000,
} as const;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Position of the quote that ends the string whose content begins at `at`; the end of the text when none does. */
function endOfString(text: Buffer, at: number): number {
  const quote = text.indexOf(QUOTE, at);
  if (quote === -1) return text.length;
  if (text[quote - 1] !== BACKSLASH || quote === at) return quote;
  // Escapes: byte by byte, since a search that stops at every quote would be slow where all of them are escaped.
  for (let next = at; next < text.length; next += 1) {
    const byte = text[next];
    if (byte === BACKSLASH) next += 1;
    else if (byte === QUOTE) return next;
  }
  return text.length;
}

/**
 * Says what of JSON text is over `jsonLimits`, before anything is parsed. Text that is no JSON may pass: it is for the
 * parser to tell.
 */
export function findJsonExcess(text: Buffer): string | undefined {
  let depth = 0;
  let containers = 0;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case QUOTE:
        at = endOfString(text, at + 1);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        containers += 1;
        values += 1;
        if (depth > jsonLimits.depth) {
          return `Lists and objects may be nested to a depth of ${jsonLimits.depth}.`;
        }
        if (containers > jsonLimits.containers) {
          return `The body may hold at most ${jsonLimits.containers} lists and objects.`;
        }
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
        values += 1;
        if (values > jsonLimits.values) return `The body may hold at most ${jsonLimits.values} values.`;
        break;
    }
  }
  return undefined;
}
