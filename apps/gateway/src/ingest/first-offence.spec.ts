import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { FoveaError } from '@fovea/errors';
import { createImageInspector } from '@fovea/image-preprocessing';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { MediaSink } from './body-reader.js';
import { chatMedia } from './media/media-places.js';
import { StreamingBodyReader } from './streaming-body-reader.js';
import { TextParser } from './text/text-parser.js';

const MAX_TEXT_BYTES = 4 * 1024 * 1024;
const texts = new TextParser();
const live = new AbortController().signal;
afterAll(() => texts.close());

function chunk(name: string, content: Buffer): Buffer {
  const bytes = Buffer.alloc(content.length + 12);
  bytes.writeUInt32BE(content.length);
  bytes.write(name, 4, 'latin1');
  content.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
  return bytes;
}

function png(width: number): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 10, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(9, 7)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Judges like the gateway's intake; the image at `slowPath` is stored long after the others. */
const judgeWith = (maxSidePx: number, slowPath?: string): MediaSink => {
  return async (bytes, path) => {
    const inspector = createImageInspector({ maxSidePx }, path);
    for await (const piece of bytes) {
      if (path === slowPath) for (let turn = 0; turn < 20; turn += 1) await setImmediate();
      inspector.push(piece);
    }
    return { ...inspector.end(), name: 'a'.repeat(64) };
  };
};

const pathOf = (part: number): string => `messages[0].content[${part}].image_url.url`;
const judge = judgeWith(4000);

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly param: string | undefined;
}

async function refusalOf(chunks: readonly Buffer[], sink = judge, maxBodyBytes = 2 ** 27): Promise<Refusal> {
  const source = Readable.from(
    chunks.filter((piece) => piece.length > 0),
    { objectMode: true },
  );
  const reader = new StreamingBodyReader({ maxBodyBytes, texts });
  try {
    await reader.read(source, { sink, signal: live, places: chatMedia });
  } catch (error) {
    const { code, message, param } = FoveaError.from(error);
    return { code, message, param };
  }
  throw new Error('the body was accepted');
}

const url = (base64: string): string =>
  `{"type":"image_url","image_url":{"url":"data:image/png;base64,${base64}"}}`;
const image = (bytes: Buffer): string => url(bytes.toString('base64'));
const chat = (...parts: string[]): string => `{"messages":[{"role":"user","content":[${parts.join(',')}]}]}`;

const fine = png(4000);
const wide = png(4001);
const cutFile = fine.subarray(0, -12);
const wideBase64 = wide.toString('base64');

interface Case {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  readonly param?: string;
}

const offences: Case[] = [
  {
    name: 'too wide, then padding in its middle',
    text: chat(url(`${wideBase64.slice(0, 60)}=AAA`)),
    code: 'IMAGE_TOO_LARGE',
  },
  {
    name: 'too wide, then an illegal character',
    text: chat(url(`${wideBase64.slice(0, 60)}*AAA`)),
    code: 'IMAGE_TOO_LARGE',
  },
  {
    name: 'an illegal character before the width',
    text: chat(url(`${wideBase64.slice(0, 21)}*AA`)),
    code: 'INVALID_IMAGE',
  },
  { name: 'too wide, then no JSON', text: `${chat(image(wide))}}`, code: 'IMAGE_TOO_LARGE' },
  {
    name: 'too wide, then a key twice',
    text: chat(image(wide), '{"a":1,"a":2}'),
    code: 'IMAGE_TOO_LARGE',
  },
  {
    name: 'a key twice, then too wide',
    text: chat('{"a":1,"a":2}', image(wide)),
    code: 'INVALID_REQUEST',
  },
  { name: 'too wide, then the end', text: chat(image(wide)).slice(0, -2), code: 'IMAGE_TOO_LARGE' },
  {
    name: 'too wide, and the end in its middle',
    text: chat(image(wide)).slice(0, 165),
    code: 'IMAGE_TOO_LARGE',
  },
  {
    name: 'a file without its end, then too wide',
    text: chat(image(cutFile), image(wide)),
    code: 'INVALID_IMAGE',
    param: pathOf(0),
  },
  {
    name: 'too wide, then a file without its end',
    text: chat(image(wide), image(cutFile)),
    code: 'IMAGE_TOO_LARGE',
    param: pathOf(0),
  },
  {
    name: 'no image, then an external address',
    text: chat(image(Buffer.alloc(99)), url('').replace('data:', 'http:')),
    code: 'INVALID_IMAGE',
    param: pathOf(0),
  },
  {
    name: 'fine, then too wide, then nonsense',
    text: chat(image(fine), image(wide), 'x'),
    code: 'IMAGE_TOO_LARGE',
    param: pathOf(1),
  },
  {
    name: 'too wide with its type behind, then nonsense',
    text: chat(`{"image_url":{"url":"data:;base64,${wideBase64}"},"type":"image_url"}`, 'x'),
    code: 'IMAGE_TOO_LARGE',
  },
];

describe('the first offence in the order of the bytes is the answer, wherever the body is cut', () => {
  it.each(offences)('$name', async ({ text, name: _name, ...answer }) => {
    const body = Buffer.from(text);
    const expected = await refusalOf([body]);
    expect(expected).toMatchObject(answer);
    for (let cut = 1; cut < body.length; cut += 1)
      expect(await refusalOf([body.subarray(0, cut), body.subarray(cut)])).toEqual(expected);
    expect(await refusalOf([...body].map((byte) => Buffer.of(byte)))).toEqual(expected);
  });

  it('also when the sink of an earlier image is slower than that of a later one', async () => {
    const body = Buffer.from(chat(image(cutFile), image(wide)));
    const slow = judgeWith(4000, pathOf(0));
    expect(await refusalOf([body], slow)).toMatchObject({ code: 'INVALID_IMAGE', param: pathOf(0) });
  });

  it('also at the limit of the body', async () => {
    const body = Buffer.from(chat(image(wide), image(fine)));
    const inside = await refusalOf([body]);
    const limits: [number, string][] = [
      [80, 'PAYLOAD_TOO_LARGE'],
      [200, inside.code],
    ];
    for (const [maxBodyBytes, code] of limits) {
      const expected = await refusalOf([body], judge, maxBodyBytes);
      expect(expected.code).toBe(code);
      for (let cut = 1; cut < body.length; cut += 1) {
        const chunks = [body.subarray(0, cut), body.subarray(cut)];
        expect(await refusalOf(chunks, judge, maxBodyBytes)).toEqual(expected);
      }
    }
  });

  it.each([
    { tail: ',"ab"x', spare: 5, code: 'INVALID_REQUEST' },
    { tail: ',"ab"x', spare: 4, code: 'PAYLOAD_TOO_LARGE' },
    { tail: ',"b":"x","b":1', spare: 12, code: 'INVALID_REQUEST' },
    { tail: ',"b":"x","b":1', spare: 11, code: 'PAYLOAD_TOO_LARGE' },
    { tail: `,"b":[],"content":[${image(wide)},x`, spare: 200, code: 'IMAGE_TOO_LARGE' },
    { tail: `,"b":[],"content":[${image(wide)},x`, spare: 20, code: 'PAYLOAD_TOO_LARGE' },
    { tail: `,"b":[${image(fine)}`, spare: 30, code: 'PAYLOAD_TOO_LARGE' },
  ])('also $spare bytes before the limit of text: $code', async ({ tail, spare, code }) => {
    const start = '{"messages":[{"role":"user","a":"';
    const filler = 'x'.repeat(MAX_TEXT_BYTES - start.length - 1 - spare);
    const head = Buffer.from(`${start}${filler}"`);
    const rest = Buffer.from(tail);
    const expected = await refusalOf([head, ...[...rest].map((byte) => Buffer.of(byte))]);
    expect(expected.code).toBe(code);
    for (let cut = 0; cut <= rest.length; cut += rest.length > 40 ? 11 : 1) {
      const chunks = [Buffer.concat([head, rest.subarray(0, cut)]), rest.subarray(cut)];
      expect(await refusalOf(chunks)).toEqual(expected);
    }
  });

  it('also where media end close to the limit of text', async () => {
    const start = chat(image(fine)).slice(0, -3);
    const kept = start.length - `data:image/png;base64,${fine.toString('base64')}`.length;
    const filler = `,"a":"${'x'.repeat(MAX_TEXT_BYTES - kept - 7 - 3)}"`;
    const body = Buffer.from(`{"messages":[{${filler.slice(1)},${start.slice(14)},"ab"x`);
    const expected = await refusalOf([body]);
    expect(expected.code).toBe('PAYLOAD_TOO_LARGE');
    for (let cut = body.length - 15; cut < body.length; cut += 1)
      expect(await refusalOf([body.subarray(0, cut), body.subarray(cut)])).toEqual(expected);
  });
});
