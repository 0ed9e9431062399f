import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { MediaSink } from './body-reader.js';
import { chatMedia, type Place, promptMedia } from './media/media-places.js';
import { StreamingBodyReader } from './streaming-body-reader.js';
import { TextParser } from './text/text-parser.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const texts = new TextParser();
const reader = new StreamingBodyReader({ maxBodyBytes: 128 * MIB, texts });
const live = new AbortController().signal;
const refOf = (byteSize: number): BlobRef => ({ name: 'a'.repeat(64), mediaType: 'image/png', byteSize });
const read = (source: Readable, sink: MediaSink, places: Place = chatMedia, signal = live) =>
  reader.read(source, { sink, signal, places });

const image = (bytes: Buffer): string =>
  `{"type":"image_url","image_url":{"url":"data:image/png;base64,${bytes.toString('base64')}"}}`;
const chat = (...parts: string[]): Buffer =>
  Buffer.from(`{"messages":[{"role":"user","content":[${parts.join(',')}]}]}`);
const pathOf = (part: number): string => `messages[0].content[${part}].image_url.url`;

/** A source that counts what was taken from it. */
function counted(body: Buffer, chunkBytes = 64 * KIB): { source: Readable; taken: () => number } {
  let at = 0;
  const source = new Readable({
    highWaterMark: chunkBytes,
    read() {
      const chunk = body.subarray(at, at + chunkBytes);
      at += chunk.length;
      this.push(chunk.length > 0 ? chunk : null);
    },
  });
  return { source, taken: () => at };
}

const allOf: MediaSink = async (bytes) => {
  let byteSize = 0;
  for await (const piece of bytes) byteSize += piece.length;
  return refOf(byteSize);
};

/** Lets everything run that can run without the outside world. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
}

afterAll(() => texts.close());

describe('media on their way to the sink', () => {
  it('arrive unchanged, in small pieces first and then in larger ones, several bodies and images at once', async () => {
    const images = [1, 100, 60 * KIB, 60 * KIB + 1, 700_000, 3].map((size) => randomBytes(size));
    const bodies = Array.from({ length: 4 }, async (_, index) => {
      const stored = new Map<string, Buffer>();
      const sink: MediaSink = async (bytes, path) => {
        const pieces: Buffer[] = [];
        let byteSize = 0;
        for await (const piece of bytes) {
          expect(piece.length).toBeLessThanOrEqual(byteSize < 256 * KIB ? 60 * KIB : 1920 * KIB);
          byteSize += piece.length;
          pieces.push(Buffer.from(piece));
          await setImmediate();
        }
        stored.set(path, Buffer.concat(pieces));
        return refOf(stored.size);
      };
      const { source } = counted(chat(...images.map(image)), 10_000 + index * 7_777);
      const { media } = await read(source, sink);
      expect([...media.keys()]).toEqual(images.map((_image, part) => pathOf(part)));
      for (const [part, bytes] of images.entries())
        expect(stored.get(pathOf(part))?.equals(bytes)).toBe(true);
    });
    await Promise.all(bodies);
  });

  it('use the memory of a piece again, and no more than a few pieces', async () => {
    const memory = new Set<ArrayBufferLike>();
    const sink: MediaSink = async (bytes) => {
      for await (const piece of bytes) memory.add(piece.buffer);
      return refOf(1);
    };
    await read(counted(chat(image(randomBytes(4 * MIB)), image(randomBytes(MIB)))).source, sink);
    // Three of each size.
    expect(memory.size).toBeLessThanOrEqual(6);
  });

  it('open at most four sinks at a time', async () => {
    let open = 0;
    let most = 0;
    const sink: MediaSink = async (bytes) => {
      open += 1;
      most = Math.max(most, open);
      const ref = await allOf(bytes, '');
      await setImmediate();
      open -= 1;
      return ref;
    };
    const { media } = await read(counted(chat(...Array(100).fill(image(randomBytes(50))))).source, sink);
    expect([media.size, open, most]).toEqual([100, 0, 4]);
  });

  it('may be left unread by a sink that is content with less, and cost nothing then', async () => {
    const parts = Array.from({ length: 10 }, () => image(randomBytes(100_000)));
    const { media } = await read(counted(chat(...parts)).source, async () => refOf(0));
    expect(media.size).toBe(10);
  });
});

describe('back-pressure', () => {
  it('stops taking from the source when the sink does not take, and goes on with it', async () => {
    const { source, taken } = counted(chat(image(randomBytes(12 * MIB))));
    let goOn: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const sink: MediaSink = async (bytes) => {
      let byteSize = 0;
      for await (const piece of bytes) {
        byteSize += piece.length;
        if (byteSize > MIB) await stuck;
      }
      return refOf(byteSize);
    };
    const reading = read(source, sink);
    await quiet();
    const held = taken();
    await quiet();
    expect(taken()).toBe(held);
    // What the sink has taken, less than 3 MiB, and two pieces more; all as text.
    expect(held).toBeLessThan(8.5 * MIB);
    goOn();
    expect((await reading).media.get(pathOf(0))?.byteSize).toBe(12 * MIB);
  });

  it('reads a source that comes byte by byte, with pauses', async () => {
    const body = chat(image(randomBytes(200)));
    const source = new PassThrough();
    const reading = read(source, allOf);
    for (const byte of body) {
      source.write(Buffer.of(byte));
      if (byte % 16 === 0) await setImmediate();
    }
    source.end();
    expect((await reading).media.get(pathOf(0))?.byteSize).toBe(200);
  });

  it('decodes nothing ahead before the sink has judged the first piece', async () => {
    const { source, taken } = counted(chat(image(randomBytes(8 * MIB))));
    const refusal = new FoveaError('IMAGE_TOO_LARGE');
    let judge: () => void = () => undefined;
    const judged = new Promise<void>((resolve) => {
      judge = resolve;
    });
    const sink: MediaSink = async (bytes) => {
      for await (const _piece of bytes) {
        await judged;
        throw refusal;
      }
      return refOf(0);
    };
    const reading = expect(read(source, sink)).rejects.toBe(refusal);
    await quiet();
    judge();
    await reading;
    await quiet();
    expect(taken()).toBeLessThanOrEqual(256 * KIB);
    expect(source.isPaused()).toBe(true);
  });

  it('ends a refused upload at once even if nothing more comes', async () => {
    const source = new PassThrough();
    const refusal = new FoveaError('INVALID_IMAGE');
    const reading = read(source, () => Promise.reject(refusal));
    source.write(chat(image(randomBytes(100))).subarray(0, 120));
    await expect(reading).rejects.toBe(refusal);
  });

  it('refuses broken base64 and broken JSON at the byte, not at the end', async () => {
    for (const [broken, code] of [
      [
        chat(image(randomBytes(300)).replace(/.{8}"}}$/, '*"}}'), image(randomBytes(4 * MIB))),
        'INVALID_IMAGE',
      ],
      [chat('{]', image(randomBytes(4 * MIB))), 'INVALID_REQUEST'],
    ] as const) {
      const { source, taken } = counted(broken);
      await expect(read(source, allOf)).rejects.toMatchObject({ code });
      expect(taken()).toBeLessThanOrEqual(256 * KIB);
    }
  });
});

describe('when reading fails', () => {
  it('every sink has settled before the reader throws, and has seen the failure', async () => {
    const seen: unknown[] = [];
    let settled = 0;
    const sink: MediaSink = async (bytes) => {
      try {
        return await allOf(bytes, '');
      } catch (error) {
        seen.push(error);
        throw error;
      } finally {
        await setImmediate();
        settled += 1;
      }
    };
    const body = chat(image(randomBytes(100)), image(randomBytes(200_000)));
    const cutOff = read(counted(body.subarray(0, 100_000)).source, sink);
    await expect(cutOff).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    expect([settled, seen.length]).toEqual([2, 1]);
  });

  it.each([
    ['an abort', (_source: PassThrough, abort: () => void) => abort()],
    ['a lost client', (source: PassThrough) => source.destroy()],
  ])('%s reaches a sink that waits for more', async (_name, end) => {
    const controller = new AbortController();
    const source = new PassThrough();
    const events = new EventEmitter();
    let failure: unknown;
    const sink: MediaSink = (bytes) => {
      events.emit('sink');
      return allOf(bytes, '').catch((error: unknown) => {
        failure = error;
        throw error;
      });
    };
    const begun = once(events, 'sink');
    const reading = read(source, sink, chatMedia, controller.signal);
    const failing = expect(reading).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    source.write(chat(image(randomBytes(100_000))).subarray(0, 50_000));
    await begun;
    end(source, () => controller.abort(new FoveaError('CLIENT_CLOSED')));
    await failing;
    expect(failure).toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  it('of several refusals the first is thrown, and a refusal after the last byte counts', async () => {
    const first = new FoveaError('STORAGE_FULL');
    const sink: MediaSink = async (bytes, path) => {
      const ref = await allOf(bytes, path);
      if (path === pathOf(1)) throw first;
      return ref;
    };
    const body = chat(image(randomBytes(10)), image(randomBytes(10)), image(randomBytes(10)));
    await expect(read(counted(body).source, sink)).rejects.toBe(first);
  });
});

describe('a string of which the type is not known yet', () => {
  const large = randomBytes(4 * MIB).toString('base64');
  const small = randomBytes(700_000).toString('base64');
  const item = (...fields: string[]): string => `{"prompt":[{${fields.join(',')}}]}`;
  const readItem = (text: string) => read(counted(Buffer.from(text)).source, allOf, promptMedia);

  it('is a medium in either order, below and above the text limit', async () => {
    for (const data of [small, large]) {
      for (const fields of [
        ['"type":"image"', `"data":"${data}"`],
        [`"data":"${data}"`, '"type":"image"'],
        [`"data":"${data}"`, `"x":"${'y'.repeat(100_000)}"`, '"type":"image"', '"z":[1,{"k":2}]'],
      ]) {
        const { media, value } = await readItem(item(...fields));
        expect(media.get('prompt[0].data')?.byteSize).toBe(Buffer.byteLength(data, 'base64'));
        const emptied = fields.map((field) => (field.startsWith('"data"') ? '"data":""' : field));
        expect(JSON.stringify(value)).toBe(item(...emptied));
      }
    }
  });

  it('is text in either order, which the text limit bounds', async () => {
    for (const order of [
      (data: string) => item('"type":"text"', `"data":"${data}"`),
      (data: string) => item(`"data":"${data}"`, '"type":"text"'),
      (data: string) => item(`"data":"${data}"`),
    ]) {
      const { media, value } = await readItem(order(small));
      expect([media.size, JSON.stringify(value)]).toEqual([0, order(small)]);
      await expect(readItem(order(large))).rejects.toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
        limit: { name: 'max_text_bytes' },
      });
    }
  });

  it('leaves its room to the text behind it once it is a medium', async () => {
    const half = 'y'.repeat(2 * MIB);
    const items = Array.from(
      { length: 3 },
      () => `{"data":"${randomBytes(1.2 * MIB).toString('base64')}","type":"image"}`,
    );
    const text = `{"prompt":[${items.join(',')}],"a":"${half}"}`;
    const { media, value } = await readItem(text);
    expect(media.size).toBe(3);
    expect(value).toEqual({ prompt: Array(3).fill({ data: '', type: 'image' }), a: half });
  });

  it('outgrows the limit together with what stands behind it, even inside a key or a number', async () => {
    const data = randomBytes(2.9 * MIB).toString('base64');
    const key = 'k'.repeat(300_000);
    const text = item(`"data":"${data}"`, `"${key}":1.5`, `"b":"\\u0061"`, '"type":"image"');
    const { media, value } = await readItem(text);
    expect(media.get('prompt[0].data')?.byteSize).toBe(Math.floor(2.9 * MIB));
    expect(value).toEqual({ prompt: [{ data: '', [key]: 1.5, b: 'a', type: 'image' }] });
  });

  it('outgrows the limit in the middle of a key that is there twice', async () => {
    const key = 'k'.repeat(150_000);
    const data = randomBytes(2.8 * MIB).toString('base64');
    const text = item(`"${key}":1`, `"data":"${data}"`, `"${key}":2`, '"type":"image"');
    await expect(readItem(text)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('twice'),
    });
  });
});
