import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { BlobRef } from '@fovea/schemas/jobs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { MediaSink } from './body-reader.js';
import type { Source } from './body-source.js';
import { textMemory } from './media/base64.js';
import { chatMedia } from './media/media-places.js';
import { StreamingBodyReader } from './streaming-body-reader.js';
import { TextParser } from './text/text-parser.js';

const KIB = 1024;
const texts = new TextParser();
const reader = new StreamingBodyReader({ maxBodyBytes: 64 * KIB * KIB, texts });
const signal = new AbortController().signal;
const refOf = (byteSize: number): BlobRef => ({ name: 'a'.repeat(64), mediaType: 'image/png', byteSize });

/** Lends the body in chunks of these sizes, and writes over each as soon as the borrower has returned. */
function lending(
  body: Buffer,
  memory: Buffer,
  sizes: () => number,
): { source: Source; lentBytes: () => number } {
  let at = 0;
  const source: Source = Object.assign(new Readable({ read: () => {} }), {
    lendTo(borrower: (chunk: Buffer) => Promise<void> | undefined): void {
      void (async () => {
        while (at < body.length) {
          const chunk = memory.subarray(0, Math.min(sizes(), body.length - at));
          body.copy(chunk, 0, at);
          at += chunk.length;
          const working = borrower(chunk);
          chunk.fill('"');
          await (working ?? setImmediate());
        }
        source.push(null);
      })();
    },
  });
  return { source, lentBytes: () => at };
}

const pictures = [300_000, 1, 5_000_000, 60 * KIB, 2_500_000].map((size) => randomBytes(size));
const partOf = (picture: Buffer): string =>
  `{"type":"image_url","image_url":{"url":"data:image/png;base64,${picture.toString('base64')}"}}`;
const text = { type: 'text', text: 'é"\\'.repeat(40_000) };
const bodyOf = (end: string): Buffer =>
  Buffer.from(
    `{"n":12345.25,"messages":[{"role":"user","content":[${JSON.stringify(text)},${pictures.map(partOf).join(',')}]}]${end}`,
  );

afterAll(() => texts.close());

describe('a body that is lent', () => {
  it.each([
    ['memory of its own', Buffer.alloc(256 * KIB)],
    ['the memory of the base64 decoder', textMemory],
  ])('in %s is read before it is given back, however slow the sinks are', async (_name, memory) => {
    if (memory === undefined) throw new Error('no vectors');
    for (const most of [256 * KIB, 70_001, 9_999]) {
      const stored: Buffer[] = [];
      const sink: MediaSink = async (bytes) => {
        const pieces: Buffer[] = [];
        const picture = stored.push(Buffer.alloc(0)) - 1;
        for await (const piece of bytes) {
          await setImmediate();
          pieces.push(Buffer.from(piece));
        }
        const whole = Buffer.concat(pieces);
        stored[picture] = whole;
        return refOf(whole.length);
      };
      const body = bodyOf('}');
      const { source } = lending(body, memory, () => 1 + Math.floor(Math.random() * most));
      const { value, media, byteSize } = await reader.read(source, { sink, signal, places: chatMedia });
      expect(byteSize).toBe(body.length);
      expect([...media.values()].map((ref) => ref.byteSize)).toEqual(pictures.map(({ length }) => length));
      expect(stored.map((bytes, picture) => bytes.equals(pictures[picture]!))).toEqual(
        pictures.map(() => true),
      );
      expect(value).toMatchObject({ n: 12345.25, messages: [{ content: [text, {}, {}, {}, {}, {}] }] });
    }
  });

  it('is not taken further once it is refused', async () => {
    const sink: MediaSink = async (bytes) => {
      for await (const piece of bytes) if (piece.length > 0) throw new Error('not this one');
      return refOf(0);
    };
    const body = bodyOf('}');
    const { source, lentBytes } = lending(body, Buffer.alloc(256 * KIB), () => 256 * KIB);
    await expect(reader.read(source, { sink, signal, places: chatMedia })).rejects.toThrow('not this one');
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    expect(lentBytes()).toBeLessThanOrEqual(512 * KIB);
  });

  it('is refused at the byte at which it is wrong', async () => {
    const sink: MediaSink = async (bytes) => {
      let byteSize = 0;
      for await (const piece of bytes) byteSize += piece.length;
      return refOf(byteSize);
    };
    const body = bodyOf(',x');
    const { source } = lending(body, Buffer.alloc(256 * KIB), () => 200_000);
    await expect(reader.read(source, { sink, signal, places: chatMedia })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining(String(body.length - 1)),
    });
  });
});
