import { FoveaError } from '@fovea/errors';
import type { EngineImage, EngineMessage, EnginePart } from '../index.js';
import { saysNothing, wireFieldsOf } from './chat/wire-message.js';

/** No piece of a body is larger, so that one big request never holds the event loop. */
export const maxPieceBytes = 64 * 1024;

/** Base64 turns 3 bytes into 4 characters: this many bytes fill one piece exactly. */
const imageBytesPerPiece = (maxPieceBytes / 4) * 3;

type Segment = { readonly json: Buffer } | { readonly image: EngineImage };

/** A body that is never one string: its length is known, its bytes are made while they are sent. */
export interface RequestBody {
  readonly byteLength: number;
  /** A fresh run over the same bytes, for a second try. Throws what an image's chunks throw. */
  pieces(): AsyncGenerator<Buffer>;
}

/** MIME type without parameters: vLLM takes whatever follows the first `;` for the encoding. */
function bareMediaType(mediaType: string): string {
  const bare = mediaType.split(';', 1)[0]?.trim() ?? '';
  return /^[\w.+-]+\/[\w.+-]+$/.test(bare) ? bare : 'application/octet-stream';
}

function imageSegments(image: EngineImage): (string | EngineImage)[] {
  const { uuid, fileUrl } = image;
  const close = uuid === undefined ? '}}' : `},"uuid":${JSON.stringify(uuid)}}`;
  const open = '{"type":"image_url","image_url":{"url":';
  if (fileUrl !== undefined) return [open + JSON.stringify(fileUrl) + close];
  return [`${open}"data:${bareMediaType(image.mediaType)};base64,`, image, `"${close}`];
}

function partSegments(part: EnginePart): (string | EngineImage)[] {
  if (part.type === 'image') return imageSegments(part.image);
  return [JSON.stringify({ type: 'text', text: part.text })];
}

function contentSegments(content: EngineMessage['content']): (string | EngineImage)[] {
  if (typeof content === 'string') return [JSON.stringify(content)];
  const parts = content.flatMap((part, at) => [...(at === 0 ? [] : [',']), ...partSegments(part)]);
  return ['[', ...parts, ']'];
}

function messageSegments(message: EngineMessage): (string | EngineImage)[] {
  const open = JSON.stringify(wireFieldsOf(message)).slice(0, -1);
  const content = saysNothing(message) ? ['null'] : contentSegments(message.content);
  return [`${open},"content":`, ...content, '}'];
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

/** Chunks may end anywhere: up to two bytes wait for the third of their group. */
async function* base64Pieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const group = Buffer.alloc(3);
  let waiting = 0;
  for await (const chunk of chunks) {
    let at = waiting === 0 ? 0 : Math.min(3 - waiting, chunk.length);
    group.set(chunk.subarray(0, at), waiting);
    waiting += at;
    if (waiting > 0 && waiting < 3) continue;
    let text = group.toString('base64', 0, waiting);
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const end = at + Math.floor((chunk.length - at) / 3) * 3;
    // One allocation for all pieces of a chunk: fresh memory costs more than the encoding.
    const encoded = Buffer.allocUnsafeSlow(((end - at) / 3) * 4 + text.length);
    let used = 0;
    while (at < end) {
      const start = at;
      at = Math.min(end, start + imageBytesPerPiece - (text === '' ? 0 : 3));
      const length = encoded.write(text + bytes.toString('base64', start, at), used, 'latin1');
      yield encoded.subarray(used, used + length);
      used += length;
      text = '';
    }
    if (text !== '') yield Buffer.from(text, 'latin1');
    group.set(chunk.subarray(end));
    waiting = chunk.length - end;
  }
  if (waiting > 0) yield Buffer.from(group.toString('base64', 0, waiting), 'latin1');
}

/** The JSON of a chat request: messages first and in order, then the parameters. */
export function createRequestBody(
  messages: readonly EngineMessage[],
  parameters: Readonly<Record<string, unknown>>,
): RequestBody {
  const list = messages.flatMap((message, at) => [...(at === 0 ? [] : [',']), ...messageSegments(message)]);
  const rest = JSON.stringify(parameters).slice(1);
  const segments = joinText(['{"messages":[', ...list, rest === '}' ? ']' : '],', rest]);
  return {
    byteLength: segments.reduce((sum, segment) => sum + segmentLength(segment), 0),
    async *pieces() {
      for (const segment of segments) {
        if ('json' in segment) yield* textPieces(segment.json);
        else yield* base64Pieces(exactChunks(segment.image));
      }
    },
  };
}
