import { NoisePng, PNG_HEADER_BYTES } from './png.js';

/** A request body in pieces, so that a big one need not exist in one place. */
export interface ChatBody {
  readonly byteLength: number;
  /** Position behind the bytes that give away the first picture's size. */
  readonly firstHeaderEnd: number;
  /** The bytes in order, in pieces of at most that size. */
  slices(maxBytes: number): Generator<Buffer>;
}

const IMAGE_OPEN = '{"type":"image_url","image_url":{"url":"data:image/png;base64,';
const IMAGE_CLOSE = '"}}';

/** All slices but the last are of full size. Copies only around the seams of segments. */
function* slicesOf(segments: readonly Buffer[], maxBytes: number): Generator<Buffer> {
  let carry = Buffer.alloc(0);
  for (const segment of segments) {
    let at = 0;
    if (carry.length > 0) {
      at = Math.min(maxBytes - carry.length, segment.length);
      carry = Buffer.concat([carry, segment.subarray(0, at)]);
      if (carry.length < maxBytes) continue;
      yield carry;
    }
    for (; segment.length - at >= maxBytes; at += maxBytes) yield segment.subarray(at, at + maxBytes);
    carry = Buffer.from(segment.subarray(at));
  }
  if (carry.length > 0) yield carry;
}

/** A chat request with one question and these pictures. */
export function imageBody(model: string, pictures: readonly NoisePng[]): ChatBody {
  const open = `{"model":"${model}","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"Is it?"}`;
  const segments: Buffer[] = [Buffer.from(open)];
  for (const picture of pictures) {
    segments.push(Buffer.from(`,${IMAGE_OPEN}`), ...picture.nextBase64(), Buffer.from(IMAGE_CLOSE));
  }
  segments.push(Buffer.from(']}]}'));
  return {
    byteLength: segments.reduce((sum, segment) => sum + segment.length, 0),
    firstHeaderEnd: open.length + 1 + IMAGE_OPEN.length + Math.ceil((PNG_HEADER_BYTES * 4) / 3),
    slices: (maxBytes) => slicesOf(segments, maxBytes),
  };
}

/** A body that exists in one place. */
export function wholeBody(bytes: Buffer): ChatBody {
  return {
    byteLength: bytes.length,
    firstHeaderEnd: bytes.length,
    slices: (maxBytes) => slicesOf([bytes], maxBytes),
  };
}

/** Room for what is around a picture. */
const AROUND_BYTES = 256;

/** Equal pictures that together fill a body of that many bytes as far as whole rows go. */
export function picturesFor(bodyBytes: number, count: number, width = 2048): NoisePng[] {
  const png = NoisePng.ofBase64Length(width, Math.floor(bodyBytes / count) - AROUND_BYTES);
  return Array.from({ length: count }, () => png);
}

/** A chat request of exactly that many bytes without pictures. */
export function textBody(model: string, byteLength: number): Buffer {
  const write = (text: string): Buffer =>
    Buffer.from(JSON.stringify({ model, max_tokens: 1, messages: [{ role: 'user', content: text }] }));
  const sentence = 'The quick brown fox jumps over the lazy dog and says "ok". ';
  let text = sentence.repeat(Math.ceil(byteLength / sentence.length));
  while (write(text).length > byteLength) text = text.slice(0, -1);
  return write(text.padEnd(text.length + byteLength - write(text).length, '.'));
}
