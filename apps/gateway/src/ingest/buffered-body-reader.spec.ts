import { PassThrough, Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import type { ReadBody } from './body-reader.js';
import { BufferedBodyReader } from './buffered-body-reader.js';

const reader = new BufferedBodyReader({ maxBodyBytes: 2_000, idleTimeoutMs: 60_000 });
const live = new AbortController().signal;

interface Stored {
  readonly path: string;
  readonly bytes: Buffer;
}

async function read(
  source: Readable,
  signal: AbortSignal = live,
): Promise<{ body: ReadBody; stored: Stored[] }> {
  const stored: Stored[] = [];
  const sink = async (bytes: AsyncIterable<Uint8Array>, path: string): Promise<BlobRef> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of bytes) pieces.push(piece);
    stored.push({ path, bytes: Buffer.concat(pieces) });
    return { name: 'a'.repeat(64), mediaType: 'image/png', byteSize: 1 };
  };
  return { body: await reader.read(source, { sink, signal }), stored };
}
const from = (value: unknown): Readable => Readable.from([Buffer.from(JSON.stringify(value))]);
const part = (url: unknown): unknown => ({ type: 'image_url', image_url: { url } });
const withParts = (...content: unknown[]): unknown => ({ model: 'm', messages: [{ role: 'user', content }] });

describe('BufferedBodyReader', () => {
  it('hands each image to the sink and leaves an empty string where it stood', async () => {
    const value = withParts(part('data:image/png;base64,AAEC'), {
      type: 'text',
      text: 'data:image/png;base64,AAAA',
    });
    const { body, stored } = await read(from(value));
    expect(stored).toEqual([{ path: 'messages[0].content[0].image_url.url', bytes: Buffer.from([0, 1, 2]) }]);
    expect([...body.media.keys()]).toEqual(['messages[0].content[0].image_url.url']);
    expect(JSON.stringify(body.value)).not.toContain('AAEC');
    expect(JSON.stringify(body.value)).toContain('AAAA');
  });

  it('leaves parts of a wrong form for the schema to refuse', async () => {
    const { stored } = await read(from(withParts(part(7), 'x', null, { type: 'image_url' }, part(null))));
    expect(stored).toEqual([]);
  });

  it('reads a body that is cut at every byte', async () => {
    const bytes = Buffer.from(JSON.stringify(withParts({ type: 'text', text: 'grüße \u{1f600}' })));
    const { body } = await read(Readable.from([...bytes].map((byte) => Buffer.from([byte]))));
    expect(body.byteSize).toBe(bytes.length);
    expect(JSON.stringify(body.value)).toContain('grüße \u{1f600}');
  });

  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['{', 'JSON'],
    ['{"a":1}}', 'JSON'],
    ["{'a':1}", 'JSON'],
  ])('refuses %j as INVALID_REQUEST and quotes nothing of it', async (text, word) => {
    await expect(read(Readable.from([Buffer.from(text)]))).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining(word),
    });
  });

  it('refuses bytes that are no UTF-8', async () => {
    await expect(read(Readable.from([Buffer.from([0x22, 0xff, 0x22])]))).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('UTF-8'),
    });
  });

  it('counts the bytes itself: the limit passes, one more is refused', async () => {
    const pad = (size: number): Buffer => Buffer.from(`"${'x'.repeat(size - 2)}"`);
    await expect(read(Readable.from([pad(2_000)]))).resolves.toBeDefined();
    await expect(read(Readable.from([pad(1_000), pad(1_001)]))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      limit: { name: 'max_body_bytes', value: 2_000 },
    });
  });

  it('ends with REQUEST_TIMEOUT when the time is up, with CLIENT_CLOSED for a socket that goes, with a timeout for silence', async () => {
    const controller = new AbortController();
    const waiting = read(new PassThrough(), controller.signal);
    controller.abort(new FoveaError('TIMEOUT'));
    await expect(waiting).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });

    const gone = new PassThrough();
    const reading = read(gone);
    gone.write('{"a"');
    gone.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });

    const impatient = new BufferedBodyReader({ maxBodyBytes: 100, idleTimeoutMs: 1 });
    const silent = impatient.read(new PassThrough(), {
      sink: () => Promise.reject(new Error('none')),
      signal: live,
    });
    await expect(silent).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
  });
});
