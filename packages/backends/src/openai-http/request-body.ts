import type { EngineImage, EngineMessage, EnginePart } from '../index.js';

/** No piece of a body is larger, so that one big request never holds the event loop. */
export const maxPieceBytes = 64 * 1024;

/** Base64 turns 3 bytes into 4 characters: this many bytes fill one piece exactly. */
const imageBytesPerPiece = (maxPieceBytes / 4) * 3;

type Segment = { readonly json: Buffer } | { readonly image: Uint8Array };

/** A body that is never one string: its length is known, its bytes are made while they are sent. */
export interface RequestBody {
  readonly byteLength: number;
  /** A fresh run over the same bytes, for a second try. */
  pieces(): AsyncGenerator<Buffer>;
}

/** MIME type without parameters: vLLM takes whatever follows the first `;` for the encoding. */
function bareMediaType(mediaType: string): string {
  const bare = mediaType.split(';', 1)[0]?.trim() ?? '';
  return /^[\w.+-]+\/[\w.+-]+$/.test(bare) ? bare : 'application/octet-stream';
}

function imageSegments(image: EngineImage): (string | Uint8Array)[] {
  const open = `{"type":"image_url","image_url":{"url":"data:${bareMediaType(image.mediaType)};base64,`;
  return [open, image.bytes, '"}}'];
}

function partSegments(part: EnginePart): (string | Uint8Array)[] {
  if (part.type === 'image') return imageSegments(part.image);
  return [JSON.stringify({ type: 'text', text: part.text })];
}

function contentSegments(content: EngineMessage['content']): (string | Uint8Array)[] {
  if (typeof content === 'string') return [JSON.stringify(content)];
  const parts = content.flatMap((part, at) => [...(at === 0 ? [] : [',']), ...partSegments(part)]);
  return ['[', ...parts, ']'];
}

function messageSegments(message: EngineMessage): (string | Uint8Array)[] {
  const { role, name, content } = message;
  const open = JSON.stringify({ role, ...(name === undefined ? {} : { name }) }).slice(0, -1);
  return [`${open},"content":`, ...contentSegments(content), '}'];
}

/** Joins neighbouring JSON text, so that a body without images is one segment. */
function joinText(parts: readonly (string | Uint8Array)[]): Segment[] {
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
  return 'json' in segment ? segment.json.length : Math.ceil(segment.image.length / 3) * 4;
}

function* segmentPieces(segment: Segment): Generator<Buffer> {
  if ('json' in segment) {
    for (let at = 0; at < segment.json.length; at += maxPieceBytes) {
      yield segment.json.subarray(at, at + maxPieceBytes);
    }
    return;
  }
  const { buffer, byteOffset, length } = segment.image;
  for (let at = 0; at < length; at += imageBytesPerPiece) {
    const bytes = Buffer.from(buffer, byteOffset + at, Math.min(imageBytesPerPiece, length - at));
    yield Buffer.from(bytes.toString('base64'), 'latin1');
  }
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
      for (const segment of segments) yield* segmentPieces(segment);
    },
  };
}
