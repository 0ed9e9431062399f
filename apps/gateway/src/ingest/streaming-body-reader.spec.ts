import { PassThrough, Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { MediaSink, ReadBody } from './body-reader.js';
import { chatMedia } from './media/media-places.js';
import { StreamingBodyReader } from './streaming-body-reader.js';
import { TextParser } from './text/text-parser.js';

const MIB = 1024 * 1024;
const texts = new TextParser();
const reader = new StreamingBodyReader({ maxBodyBytes: 64 * MIB, texts });
const live = new AbortController().signal;
const ref: BlobRef = { name: 'a'.repeat(64), mediaType: 'image/png', byteSize: 1 };
const never: MediaSink = () => Promise.reject(new Error('no medium was expected'));

interface Stored {
  readonly path: string;
  readonly bytes: Buffer;
}

async function read(source: Readable, places = chatMedia): Promise<{ body: ReadBody; stored: Stored[] }> {
  const stored: Stored[] = [];
  const sink: MediaSink = async (bytes, path) => {
    const pieces: Buffer[] = [];
    for await (const piece of bytes) pieces.push(Buffer.from(piece));
    stored.push({ path, bytes: Buffer.concat(pieces) });
    return ref;
  };
  return { body: await reader.read(source, { sink, signal: live, places }), stored };
}

const sourceOf = (text: string | Buffer): Readable =>
  Readable.from([Buffer.from(text)], { objectMode: true });
const from = (value: unknown): Readable => sourceOf(JSON.stringify(value));
const part = (url: unknown): unknown => ({ type: 'image_url', image_url: { url } });
const withParts = (...content: unknown[]): unknown => ({ model: 'm', messages: [{ role: 'user', content }] });
const path = 'messages[0].content[0].image_url.url';
const refusalOf = (text: string | Buffer, places = chatMedia): Promise<unknown> =>
  read(sourceOf(text), places).then(
    () => undefined,
    (error: unknown) => error,
  );

afterAll(() => texts.close());

describe('StreamingBodyReader', () => {
  it('hands each image to the sink and leaves an empty string where it stood', async () => {
    const text = { type: 'text', text: 'data:image/png;base64,AAAA' };
    const { body, stored } = await read(from(withParts(part('data:image/png;base64,AAEC'), text)));
    expect(stored).toEqual([{ path, bytes: Buffer.from([0, 1, 2]) }]);
    expect([...body.media]).toEqual([[path, ref]]);
    expect(body.value).toEqual(withParts(part(''), text));
  });

  it('leaves parts of a wrong form for the schema to refuse', async () => {
    const value = withParts(part(7), 'x', null, { type: 'image_url' }, part(null), part({ url: 'x' }), []);
    const { body, stored } = await read(from(value));
    expect(stored).toEqual([]);
    expect(body.value).toEqual(value);
  });

  it.each([
    ['', 'empty'],
    [' \n\t\r ', 'empty'],
    ['{', 'ends too early'],
    ['{"a":1}}', 'JSON (at byte 7)'],
    ["{'a':1}", 'JSON (at byte 1)'],
    ['\ufeff{}', 'JSON (at byte 0)'],
  ])('refuses %j as INVALID_REQUEST and quotes nothing of it', async (text, words) => {
    expect(await refusalOf(text)).toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining(words),
    });
  });

  it('refuses bytes that are no UTF-8, and says where', async () => {
    expect(await refusalOf(Buffer.from([0x22, 0xff, 0x22]))).toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('UTF-8 (at byte 1)'),
    });
  });

  it('names the path of a key that is there twice, compared after unescaping', async () => {
    expect(await refusalOf('{"a":[{"b":1,"\\u0062":2}]}')).toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'a[0].b',
    });
  });

  it.each([
    '9007199254740992',
    '-9007199254740993',
    '1e16',
    '1e999',
    '9007199254740992.0',
    '123456789012345678901',
  ])('refuses the number %s, which would be rounded, with its path', async (number) => {
    expect(await refusalOf(`{"a":{"seed":${number}}}`)).toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'a.seed',
    });
  });

  it.each(['9007199254740991', '-9007199254740991', '0.1', '1e-999', '900719925474099.1e1'])(
    'takes the number %s as JSON.parse does',
    async (number) => {
      expect((await read(sourceOf(number))).body.value).toBe(Number(number));
    },
  );

  it('cuts a long key in messages', async () => {
    const key = 'k'.repeat(1_000);
    const error = await refusalOf(`{"${key}":1,"${key}":1}`);
    expect(FoveaError.from(error).message.length).toBeLessThan(150);
  });

  it('counts the bytes itself: the limit passes, one more is refused', async () => {
    const small = new StreamingBodyReader({ maxBodyBytes: 2_000, texts });
    const pad = (size: number): Buffer => Buffer.from(`"${'x'.repeat(size - 2)}"`);
    const options = { sink: never, signal: live, places: chatMedia };
    await expect(small.read(sourceOf(pad(2_000)), options)).resolves.toMatchObject({ byteSize: 2_000 });
    await expect(
      small.read(Readable.from([pad(2_001).subarray(0, 9), pad(2_001).subarray(9)]), options),
    ).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      limit: { name: 'max_body_bytes', value: 2_000 },
    });
  });
});

describe('the limits of a body', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const list = (count: number, element: string): string => `[${Array(count).fill(element).join(',')}]`;
  const keys = (count: number): string =>
    `{${Array.from({ length: count }, (_, index) => `"k${index}":0`).join(',')}}`;
  const text = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;

  it.each([
    ['depth', nested(64), nested(65), 'INVALID_REQUEST', { name: 'max_json_depth', value: 64 }],
    [
      'lists and objects',
      list(99_999, '{}'),
      list(100_000, '[]'),
      'INVALID_REQUEST',
      { name: 'max_json_containers', value: 100_000 },
    ],
    [
      'values',
      list(1_000_000, '1'),
      list(1_000_001, '1'),
      'INVALID_REQUEST',
      { name: 'max_json_scalars', value: 1_000_000 },
    ],
    [
      'keys of an object',
      keys(1_024),
      keys(1_025),
      'INVALID_REQUEST',
      { name: 'max_json_keys', value: 1_024 },
    ],
    [
      'text',
      text(4 * MIB),
      text(4 * MIB + 1),
      'PAYLOAD_TOO_LARGE',
      { name: 'max_text_bytes', value: 4 * MIB },
    ],
  ])('%s: what reaches it passes, one more is refused', async (_name, within, beyond, code, limit) => {
    const { body } = await read(sourceOf(within));
    expect(body.value).toEqual(JSON.parse(within));
    expect(await refusalOf(beyond)).toMatchObject({ code, limit });
  });

  it('do not count media as text', async () => {
    const bytes = Buffer.alloc(6 * MIB, 'fovea');
    const { stored } = await read(from(withParts(part(`data:image/png;base64,${bytes.toString('base64')}`))));
    expect(stored[0]?.bytes.equals(bytes)).toBe(true);
  });
});

describe('a text over 256 KiB', () => {
  it('comes back from the thread as JSON.parse would give it, whatever its form', async () => {
    const many = (count: number, make: (index: number) => string): string =>
      Array.from({ length: count }, (_, index) => make(index)).join(',');
    const bodies = [
      `{"s":"${'grüße \\ud800 \u{1f600}'.repeat(30_000)}"}`,
      `[${many(60_000, (index) => `"${index}"`)}]`,
      `{"messages":[${many(9_000, (index) => `{"role":"user","content":"number ${index} of nine thousand"}`)}],"b":{}}`,
      `[${many(300, (index) => `{${many(100, (key) => `"k${index}-${key}":[[],{"__proto__":${key}}]`)}}`)}]`,
      `{"__proto__":[${many(90_000, String)}],"1":[[[[[${many(5_000, () => '{"deep":"down"}')}]]]]]}`,
    ];
    for (const text of bodies) {
      expect(text.length).toBeGreaterThan(256 * 1024);
      const { body } = await read(sourceOf(text));
      expect(JSON.stringify(body.value)).toBe(JSON.stringify(JSON.parse(text)));
    }
  });

  it('is given up when the request is over', async () => {
    const controller = new AbortController();
    const parsing = texts.parse(Buffer.from(`[${'1,'.repeat(200_000)}1]`), controller.signal);
    controller.abort(new FoveaError('CLIENT_CLOSED'));
    await expect(parsing).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await expect(texts.parse(Buffer.from(`[${'1,'.repeat(200_000)}2]`), live)).resolves.toHaveLength(200_001);
  });

  it('fails when the parser is closed meanwhile, and the next one starts a new thread', async () => {
    const parsing = texts.parse(Buffer.from(`[${'1,'.repeat(200_000)}1]`), live);
    const failing = expect(parsing).rejects.toThrow('closed');
    await texts.close();
    await failing;
    await expect(texts.parse(Buffer.from(`[${'1,'.repeat(200_000)}1]`), live)).resolves.toHaveLength(200_001);
  });
});

describe('an upload that does not get to its end', () => {
  it('ends with REQUEST_TIMEOUT when the time is up, with the reason of any other abort', async () => {
    for (const [reason, code] of [
      ['TIMEOUT', 'REQUEST_TIMEOUT'],
      ['CLIENT_CLOSED', 'CLIENT_CLOSED'],
    ] as const) {
      const controller = new AbortController();
      const options = { sink: never, signal: controller.signal, places: chatMedia };
      const waiting = reader.read(new PassThrough(), options);
      controller.abort(new FoveaError(reason));
      await expect(waiting).rejects.toMatchObject({ code });
      await expect(reader.read(new PassThrough(), options)).rejects.toMatchObject({ code });
    }
  });

  it('ends with CLIENT_CLOSED when the source breaks, or with what the source says', async () => {
    const gone = new PassThrough();
    const reading = read(gone);
    gone.write('{"a"');
    gone.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await expect(read(gone)).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });

    const slow = new PassThrough();
    const waiting = read(slow);
    slow.destroy(new FoveaError('REQUEST_TIMEOUT'));
    await expect(waiting).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
  });
});
