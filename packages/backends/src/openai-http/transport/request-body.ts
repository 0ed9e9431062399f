import { FoveaError } from '@fovea/errors';
import type { EngineImage } from '../../index.js';

/**
 * No piece of a body is larger. A socket's work is by the piece more than by the byte; larger ones than this gain
 * nothing, and hold the event loop longer than the third of a millisecond that one takes.
 */
export const maxPieceBytes = 512 * 1024;

/** From here on a piece is memory that the next one uses again. */
export const minLentBytes = 64 * 1024;

/** Bytes that become one string on their way to base64. V8 collects strings of up to 128 KiB at almost no cost. */
const imageBytesPerString = 48 * 1024;

type Segment = { readonly json: Buffer } | { readonly image: EngineImage };

/** JSON text in pieces, with images where their base64 belongs. */
export type JsonParts = readonly (string | EngineImage)[];

/** A body that is never one string: its length is known, its bytes are made while they are sent. */
export interface RequestBody {
  readonly byteLength: number;
  /** JSON unless it says otherwise. */
  readonly contentType?: string;
  /**
   * A fresh run over the same bytes, for a second try. A piece of 64 KiB or more holds until the next one is asked for,
   * a smaller one for good. Throws what an image's chunks throw.
   */
  pieces(): AsyncGenerator<Buffer>;
}

/** MIME type without parameters: vLLM takes whatever follows the first `;` for the encoding. */
function bareMediaType(mediaType: string): string {
  const bare = mediaType.split(';', 1)[0]?.trim() ?? '';
  return /^[\w.+-]+\/[\w.+-]+$/.test(bare) ? bare : 'application/octet-stream';
}

/** An image as vLLM takes it; `more` are fields beside its address. */
export function imageJson(image: EngineImage, more: Readonly<Record<string, unknown>> = {}): JsonParts {
  const { uuid, fileUrl } = image;
  const beside = JSON.stringify({ ...(uuid === undefined ? {} : { uuid }), ...more }).slice(1);
  const close = beside === '}' ? '}}' : `},${beside}`;
  const open = '{"type":"image_url","image_url":{"url":';
  if (fileUrl !== undefined) return [open + JSON.stringify(fileUrl) + close];
  return [`${open}"data:${bareMediaType(image.mediaType)};base64,`, image, `"${close}`];
}

/** Joins neighbouring JSON text, so that a body without images is one segment. */
function joinText(parts: readonly (string | EngineImage)[]): Segment[] {
  const segments: Segment[] = [];
  let text: string[] = [];
  const flush = (): void => {
    if (text.length > 0) segments.push({ json: Buffer.from(text.join('')) });
    text = [];
  };
  for (const part of parts) {
    if (typeof part === 'string') {
      text.push(part);
    } else {
      flush();
      segments.push({ image: part });
    }
  }
  flush();
  return segments;
}

function segmentLength(segment: Segment): number {
  return 'json' in segment ? segment.json.length : Math.ceil(segment.image.byteSize / 3) * 4;
}

function* textPieces(json: Buffer): Generator<Buffer> {
  for (let at = 0; at < json.length; at += maxPieceBytes) yield json.subarray(at, at + maxPieceBytes);
}

/** Throws as soon as more bytes come than were promised, and at the end when some are missing. */
async function* exactChunks(image: EngineImage): AsyncGenerator<Uint8Array> {
  let length = 0;
  const wrong = (): FoveaError =>
    new FoveaError('INTERNAL', { detail: `an image has ${length} of ${image.byteSize} bytes` });
  for await (const chunk of image.chunks()) {
    length += chunk.length;
    if (length > image.byteSize) throw wrong();
    yield chunk;
  }
  if (length < image.byteSize) throw wrong();
}

/** Encodes chunks that may end anywhere: up to two bytes wait for the third of their group. */
class Base64Encoder {
  readonly #group = Buffer.alloc(3);
  #waiting = 0;

  /** The text of all whole groups so far, in strings of bounded length. */
  *encode(chunk: Uint8Array): Generator<string> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let at = 0;
    if (this.#waiting > 0) {
      at = bytes.copy(this.#group, this.#waiting);
      this.#waiting += at;
      if (this.#waiting < 3) return;
      yield* this.end();
    }
    const end = at + Math.floor((bytes.length - at) / 3) * 3;
    for (; at < end; at += imageBytesPerString) {
      yield bytes.toString('base64', at, Math.min(end, at + imageBytesPerString));
    }
    this.#waiting = bytes.copy(this.#group, 0, end);
  }

  /** What waits, padded if it is no whole group. */
  *end(): Generator<string> {
    if (this.#waiting > 0) yield this.#group.toString('base64', 0, this.#waiting);
    this.#waiting = 0;
  }
}

async function* base64Texts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Iterable<string>> {
  const encoder = new Base64Encoder();
  for await (const chunk of chunks) yield encoder.encode(chunk);
  yield encoder.end();
}

/** All pieces in the same memory: fresh memory, which has to be mapped first, would cost more than the encoding. */
async function* imagePieces(image: EngineImage, memory: Buffer): AsyncGenerator<Buffer> {
  let used = 0;
  for await (const texts of base64Texts(exactChunks(image))) {
    for (const text of texts) {
      if (used + text.length > memory.length) {
        yield memory.subarray(0, used);
        used = 0;
      }
      used += memory.write(text, used, 'latin1');
    }
  }
  const last = memory.subarray(0, used);
  if (used > 0) yield used < minLentBytes ? Buffer.from(last) : last;
}

/** Joins the parts of JSON values to the JSON of their list. */
export const listJson = (values: readonly JsonParts[]): JsonParts => [
  '[',
  ...values.flatMap((value, at) => [...(at === 0 ? [] : [',']), ...value]),
  ']',
];

/** The JSON of a request: one field first, which may hold images, then the parameters. */
export function createStreamedBody(
  field: string,
  value: JsonParts,
  parameters: Readonly<Record<string, unknown>>,
): RequestBody {
  const rest = JSON.stringify(parameters).slice(1);
  const segments = joinText([`{"${field}":`, ...value, rest === '}' ? '' : ',', rest]);
  const byteLength = segments.reduce((sum, segment) => sum + segmentLength(segment), 0);
  return {
    byteLength,
    async *pieces() {
      let memory: Buffer | undefined;
      for (const segment of segments) {
        if ('json' in segment) {
          yield* textPieces(segment.json);
        } else {
          memory ??= Buffer.allocUnsafeSlow(Math.min(maxPieceBytes, byteLength));
          yield* imagePieces(segment.image, memory);
        }
      }
    },
  };
}
