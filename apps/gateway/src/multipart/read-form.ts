import { DelimitedSource, SourceEnded } from './delimited-source.js';
import { defaultFormLimits, type FormLimits, invalidForm, MAX_FIELD_BYTES } from './form-limits.js';
import { type PartHead, parsePartHead } from './part-head.js';

/** One part of a form, as it arrives. */
export interface FormPart extends PartHead {
  /**
   * The part's bytes, to be read once and before the next part is asked for; what is not read by then is dropped.
   * Throws `INVALID_REQUEST` when the form ends in the middle.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** In front of the first boundary. Form clients write nothing there. */
const MAX_PREAMBLE_BYTES = 1024;

/**
 * Reads a `multipart/form-data` body (RFC 7578) part by part, in the order and at the pace in which they come: nothing is
 * kept, the consumer's reading is the back-pressure, and files of any kind pass through untouched.
 *
 * Throws `INVALID_REQUEST`, with the part's name as `param` where there is one. Errors of the source pass through.
 */
export async function* readForm(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: FormLimits = defaultFormLimits,
): AsyncGenerator<FormPart, void, undefined> {
  const delimited = new DelimitedSource(source, boundary);
  await skipPreamble(delimited);
  for (let count = 0; ; count += 1) {
    const part = await orUnfinished(openPart(delimited, limits, count));
    if (part === undefined) break;
    yield part;
    await part.drop();
  }
  await delimited.drain();
}

/**
 * The text of a field that is no file. Throws `INVALID_REQUEST` with its name when it is longer than `maxBytes`, no
 * UTF-8, or a file.
 */
export async function readTextField(part: FormPart, maxBytes: number = MAX_FIELD_BYTES): Promise<string> {
  if (part.fileName !== undefined) throw invalidForm('Expected a text field, found a file.', part.name);
  const pieces: Uint8Array[] = [];
  let byteSize = 0;
  for await (const piece of part.bytes) {
    byteSize += piece.length;
    if (byteSize > maxBytes) {
      const limit = { name: 'max_field_bytes', value: maxBytes };
      throw invalidForm(`The field is longer than ${maxBytes} bytes.`, part.name, limit);
    }
    // A copy: a view would keep the whole piece of the wire alive.
    pieces.push(Uint8Array.from(piece));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch {
    throw invalidForm('The field is not valid UTF-8.', part.name);
  }
}

async function skipPreamble(delimited: DelimitedSource): Promise<void> {
  const noBoundary = 'The form does not begin with the boundary that the content type names.';
  const pieces = delimited.untilDelimiter();
  for (let byteSize = 0; byteSize <= MAX_PREAMBLE_BYTES; ) {
    const next = await orUnfinished(pieces.next(), noBoundary);
    if (next.done === true) return;
    byteSize += next.value.length;
  }
  throw invalidForm(noBoundary);
}

async function openPart(
  delimited: DelimitedSource,
  limits: FormLimits,
  count: number,
): Promise<OpenPart | undefined> {
  const follows = await delimited.next();
  if (follows === 'end') return undefined;
  if (follows === undefined) throw invalidForm('A boundary of the form is followed by other text.');
  if (count === limits.maxParts) {
    const limit = { name: 'max_form_parts', value: limits.maxParts };
    throw invalidForm(`The form has more than ${limits.maxParts} parts.`, undefined, limit);
  }
  const block = await delimited.head(limits.maxHeaderBytes);
  if (block === undefined) {
    const limit = { name: 'max_part_header_bytes', value: limits.maxHeaderBytes };
    throw invalidForm('The headers of a part are too long.', undefined, limit);
  }
  return new OpenPart(parsePartHead(block, limits), delimited.untilDelimiter());
}

class OpenPart implements FormPart {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly mediaType: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly #pieces: AsyncIterator<Uint8Array>;

  constructor(head: PartHead, pieces: AsyncIterator<Uint8Array>) {
    this.name = head.name;
    this.fileName = head.fileName;
    this.mediaType = head.mediaType;
    this.bytes = this.#read();
    this.#pieces = pieces;
  }

  /** Passes what the consumer has not read. */
  async drop(): Promise<void> {
    while ((await this.#next()).done !== true);
  }

  /** A consumer may stop in the middle: that ends this generator and leaves the pieces where they are. */
  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let next = await this.#next(); next.done !== true; next = await this.#next()) yield next.value;
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    return orUnfinished(this.#pieces.next(), undefined, this.name);
  }
}

/** An end that comes too early is the client's mistake. */
async function orUnfinished<T>(
  work: Promise<T>,
  message = 'The form ends before its closing boundary.',
  part?: string,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SourceEnded) throw invalidForm(message, part);
    throw error;
  }
}
