import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import zlib from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { decompress } from './decompress.js';
import { isLargeWindow, LargeWindows, MAX_LARGE_WINDOWS } from './large-windows.js';

const text = Buffer.from('a text that is long enough for a window '.repeat(50));
const packed = (bits: number): Buffer =>
  zlib.brotliCompressSync(text, {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: 5,
      [zlib.constants.BROTLI_PARAM_LGWIN]: bits,
      [zlib.constants.BROTLI_PARAM_LARGE_WINDOW]: bits > 24 ? 1 : 0,
    },
  });

/** A body of which all but the last byte has come. */
function begin(windows: LargeWindows, bits: number, over = new AbortController()) {
  const bytes = packed(bits);
  const source = new PassThrough();
  source.write(bytes.subarray(0, -1));
  const watch = { maxBodyBytes: 1e6, wireBytes: () => bytes.length, onDecoded: () => {} };
  const body = decompress(source, ['br'], { ...watch, windows, signal: over.signal });
  const found: Buffer[] = [];
  body.on('data', (piece: Buffer) => found.push(piece));
  body.on('error', () => {});
  return {
    found,
    body,
    over,
    /** As `ReceiveUpload` gives an upload up. */
    leave: () => {
      over.abort(new Error('gone'));
      body.destroy();
      source.destroy();
    },
    /** Resolves when the whole text is there. */
    end: async () => {
      const ended = once(body, 'end');
      source.end(bytes.subarray(-1));
      await ended;
      expect(Buffer.concat(found)).toEqual(text);
    },
  };
}

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
  // zlib works in a thread.
  await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('large windows', () => {
  it('are known by the first byte', () => {
    const known = Array.from({ length: 15 }, (_, index) => [
      index + 10,
      isLargeWindow(packed(index + 10)[0] ?? 0),
    ]);
    expect(known).toEqual(known.map(([bits]) => [bits, Number(bits) > 22]));
  });

  it('are unpacked a few at once; the next has its turn when one ends, and small windows need none', async () => {
    const windows = new LargeWindows();
    const first = Array.from({ length: MAX_LARGE_WINDOWS }, () => begin(windows, 24));
    await quiet();
    const [next, last, small] = [begin(windows, 23), begin(windows, 24), begin(windows, 22)];
    await small.end();
    await quiet();
    expect([next.found, last.found]).toEqual([[], []]);
    await first[0]?.end();
    await next.end();
    await first[1]?.end();
    await last.end();
  });

  it('give their place back when their upload breaks off, also while it waits', async () => {
    const windows = new LargeWindows();
    const running = Array.from({ length: MAX_LARGE_WINDOWS }, () => begin(windows, 24));
    await quiet();
    const [waiting, next] = [begin(windows, 24), begin(windows, 24)];
    await quiet();
    waiting.over.abort(new Error('gone'));
    await new Promise((resolve) => waiting.body.once('close', resolve));
    running[0]?.leave();
    await next.end();
  });

  it('do not wait for ever', async () => {
    const windows = new LargeWindows(30);
    const running = Array.from({ length: MAX_LARGE_WINDOWS }, () => begin(windows, 24));
    await quiet();
    const { body } = begin(windows, 24);
    const [error] = await once(body, 'error');
    expect(error).toMatchObject({
      code: 'QUEUE_FULL',
      limit: { name: 'max_large_brotli_windows', value: MAX_LARGE_WINDOWS },
      retryAfterS: expect.any(Number),
    });
    for (const one of running) await one.end();
  });

  it('beyond the format are no Brotli', async () => {
    const { body } = begin(new LargeWindows(), 28);
    const [error] = await once(body, 'error');
    expect(error).toMatchObject({ code: 'INVALID_REQUEST' });
  });
});
