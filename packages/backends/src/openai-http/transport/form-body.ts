import { randomUUID } from 'node:crypto';
import { FoveaError } from '@fovea/errors';
import type { EngineAudio } from '../../index.js';
import { minLentBytes, type RequestBody } from './request-body.js';

/** A `multipart/form-data` body (RFC 7578) with text fields in front of one file, which is read while it is sent. */
export function createFormBody(
  fields: readonly (readonly [name: string, value: string])[],
  {
    name,
    fileName,
    audio,
  }: { readonly name: string; readonly fileName: string; readonly audio: EngineAudio },
): RequestBody {
  const boundary = `fovea-${randomUUID()}`;
  const open = (disposition: string): string =>
    `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n`;
  const texts = fields.map(([field, value]) => `${open(`name="${field}"`)}\r\n${value}\r\n`);
  const file = `${open(`name="${name}"; filename="${fileName}"`)}content-type: application/octet-stream\r\n\r\n`;
  const head = Buffer.from(texts.join('') + file);
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    byteLength: head.length + audio.byteSize + tail.length,
    contentType: `multipart/form-data; boundary=${boundary}`,
    async *pieces() {
      yield head;
      yield* audioPieces(audio);
      yield tail;
    },
  };
}

/** The bytes as they are read. A small piece is a copy: it has to hold for good. */
async function* audioPieces({ byteSize, chunks }: EngineAudio): AsyncGenerator<Buffer> {
  let length = 0;
  const wrong = (): FoveaError =>
    new FoveaError('INTERNAL', { detail: `an audio has ${length} of ${byteSize} bytes` });
  for await (const chunk of chunks()) {
    length += chunk.length;
    if (length > byteSize) throw wrong();
    const piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    yield piece.length < minLentBytes ? Buffer.from(piece) : piece;
  }
  if (length < byteSize) throw wrong();
}
