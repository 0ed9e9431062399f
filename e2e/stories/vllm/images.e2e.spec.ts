import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { type FakeVllm, type SeenImage, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { Metrics } from '../../support/metrics.js';
import { dataUrl, imagePart, plainPicture } from '../../support/pictures.js';
import { keys, System } from '../../support/system.js';
import { until } from '../../support/until.js';
import { workerToml } from '../../support/workers.js';

const RED = { r: 200, g: 0, b: 0 };
const BLUE = { r: 0, g: 0, b: 200 };

/** The left half red, the right half blue. */
function halves(width: number, height: number): Sharp {
  const red = { create: { width: width / 2, height, channels: 3 as const, background: RED } };
  return sharp({ create: { width, height, channels: 3, background: BLUE } })
    .composite([{ input: red, left: 0, top: 0 }])
    .removeAlpha();
}

/** A PNG whose pixels break off, within chunks that are all in order. */
function withoutLastPixels(png: Buffer): Buffer {
  const start = png.indexOf('IDAT') - 4;
  const length = Math.floor(png.readUInt32BE(start) / 2);
  const body = Buffer.concat([Buffer.from('IDAT'), png.subarray(start + 8, start + 8 + length)]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(length);
  frame.writeUInt32BE(crc32(body), 4);
  const end = png.subarray(png.length - 12);
  return Buffer.concat([png.subarray(0, start), frame.subarray(0, 4), body, frame.subarray(4), end]);
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly at: (x: number, y: number) => readonly number[];
}

async function decode(bytes: Buffer): Promise<Pixels> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const at = (x: number, y: number): number[] => {
    const offset = (y * width + x) * channels;
    return [...data.subarray(offset, offset + channels)];
  };
  return { width, height, channels, at };
}

const isRed = ([r = 0, , b = 0]: readonly number[]): boolean => r > 150 && b < 60;
const isBlue = ([r = 0, , b = 0]: readonly number[]): boolean => b > 150 && r < 60;

describe('pictures as vLLM sees them', () => {
  let engine: FakeVllm;
  let system: System;

  beforeAll(async () => {
    system = await System.start({ engineUrl: 'http://127.0.0.1:1' });
    engine = await startFakeVllm({
      model: 'filed',
      aliases: ['sent'],
      allowedLocalMediaPath: system.blobFolder,
    });
    const env = { ADAPTER_ENGINE_URL: engine.url };
    const filed = workerToml('filed', { imageFamily: 'qwen2_5_vl' });
    const withPath = filed.replace('[queue]', `media_path = "${system.blobFolder}"\n[queue]`);
    await system.startAdapter('filed', withPath, env);
    await system.startAdapter('sent', workerToml('sent', { imageFamily: 'qwen2_5_vl' }), env);
    await system.untilModel('filed', 'available');
    await system.untilModel('sent', 'available');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const ask = (model: string, text: string, url: string, key: string = keys.alpha): Promise<Response> =>
    system.chat(
      { model, messages: [{ role: 'user', content: [{ type: 'text', text }, imagePart(url)] }] },
      { key },
    );

  function seenOf(text: string): SeenImage & { salt: string | undefined } {
    const request = engine.requests.findLast(({ lastUserText }) => lastUserText.includes(text));
    const image = request?.images[0];
    if (image === undefined) throw new Error(`the engine saw no picture with "${text}"`);
    return { ...image, salt: request?.cacheSalt };
  }

  /**
   * The bytes the engine got as a file, which is there until its last token and gone afterwards. As a data URL the
   * engine gets the same bytes; for another tenant, so that it takes them from no cache.
   */
  async function bytesAtEngine(text: string, url: string): Promise<Buffer> {
    const hold = engine.hold({ match: text, afterTokens: 2 });
    const answer = ask('filed', text, url);
    await Promise.race([
      hold.reached(),
      answer.then(async (early) => {
        throw new Error(`answered ${early.status}: ${await early.text()}`);
      }),
    ]);
    const { fileUrl, sha256: digest } = seenOf(text);
    const path = fileURLToPath(fileUrl ?? '');
    const bytes = await readFile(path);
    expect(sha256(bytes)).toBe(digest);
    hold.release();
    expect((await answer).status).toBe(200);
    await until('the file to be gone', () => !existsSync(path));
    expect((await ask('sent', text, url, keys.beta)).status).toBe(200);
    expect(seenOf(text)).toMatchObject({ source: 'data', sha256: digest });
    return bytes;
  }

  it('a JPEG that lies on its side arrives upright', async () => {
    const jpeg = await halves(80, 40).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const pixels = await decode(await bytesAtEngine('lying', dataUrl(jpeg, 'image/jpeg')));
    expect(pixels).toMatchObject({ width: 40, height: 80 });
    expect(isRed(pixels.at(20, 10))).toBe(true);
    expect(isBlue(pixels.at(20, 70))).toBe(true);
  });

  it('a GIF arrives as the PNG of its first frame', async () => {
    const gif = await halves(60, 40).gif().toBuffer();
    const bytes = await bytesAtEngine('a gif', dataUrl(gif, 'image/gif'));
    expect((await sharp(bytes).metadata()).format).toBe('png');
    const pixels = await decode(bytes);
    expect([isRed(pixels.at(5, 5)), isBlue(pixels.at(55, 5))]).toEqual([true, true]);
  });

  it('what is transparent arrives on white', async () => {
    const clear = {
      create: { width: 40, height: 40, channels: 4 as const, background: { ...RED, alpha: 0 } },
    };
    const png = await sharp(clear).png().toBuffer();
    const pixels = await decode(await bytesAtEngine('transparent', dataUrl(png)));
    expect(pixels).toMatchObject({ width: 40, height: 40, channels: 3 });
    expect(pixels.at(20, 20)).toEqual([255, 255, 255]);
  });

  it('a PNG that needs nothing arrives byte for byte', async () => {
    const png = await halves(64, 56).png().toBuffer();
    expect(await bytesAtEngine('plain', dataUrl(png))).toEqual(png);
  });

  it('a sliver of 10 to 1000 pixels gets a margin that the model can take', async () => {
    const png = await plainPicture(10, 1_000);
    const pixels = await decode(await bytesAtEngine('sliver', dataUrl(png)));
    expect(pixels).toMatchObject({ width: 28, height: 1_000 });
    expect(pixels.at(27, 999)).toEqual(pixels.at(0, 0));
  });

  it('a damaged PNG is refused with its path, whether the door or the decoder finds out', async () => {
    const clear = { width: 90, height: 90, channels: 4 as const, background: { ...RED, alpha: 0.5 } };
    const noise = { type: 'gaussian' as const, mean: 120, sigma: 40 };
    const png = await sharp({ create: { ...clear, noise } })
      .png()
      .toBuffer();
    for (const broken of [png.subarray(0, png.length >> 1), withoutLastPixels(png)]) {
      for (const model of ['filed', 'sent']) {
        const refused = await ask(model, 'damaged', dataUrl(broken));
        expect({ status: refused.status, body: await refused.json() }).toMatchObject({
          status: 400,
          body: { error: { code: 'INVALID_IMAGE', param: 'messages[0].content[1].image_url.url' } },
        });
      }
    }
    expect(engine.requests.some(({ lastUserText }) => lastUserText.includes('damaged'))).toBe(false);
  });

  it('equal pictures have one key within a tenant and others elsewhere, as have the caches', async () => {
    const url = dataUrl(await halves(64, 64).png().toBuffer());
    const other = dataUrl(await halves(64, 92).png().toBuffer());
    expect((await ask('sent', 'first', url)).status).toBe(200);
    expect((await ask('sent', 'second', url)).status).toBe(200);
    expect((await ask('sent', 'third', other)).status).toBe(200);
    expect((await ask('sent', 'fourth', url, keys.beta)).status).toBe(200);
    const [first, second, third, stranger] = ['first', 'second', 'third', 'fourth'].map(seenOf);
    expect(first?.uuid).toMatch(/^[0-9a-f]{64}$/);
    expect(first?.uuid).not.toBe(first?.sha256);
    expect(second).toMatchObject({ uuid: first?.uuid, salt: first?.salt, isCached: true });
    expect(third?.uuid).not.toBe(first?.uuid);
    expect(stranger).toMatchObject({ sha256: first?.sha256, isCached: false });
    expect(stranger?.uuid).not.toBe(first?.uuid);
    expect(stranger?.salt).toMatch(/./);
    expect(stranger?.salt).not.toBe(first?.salt);
  });

  it('vision tokens typed as text are no tokens any more, and are counted', async () => {
    const count = async (): Promise<number> =>
      (await Metrics.read(system.adapterOpsUrl('sent'))).sum('fovea_control_tokens_broken_total');
    const before = await count();
    const typed = '<|vision_start|><|image_pad|> typed <|im_start|>';
    const answer = await system.chat({
      model: 'sent',
      messages: [
        { role: 'system', content: 'never say <|video_pad|>' },
        { role: 'user', content: typed },
      ],
    });
    expect(answer.status).toBe(200);
    const seen = engine.requests.at(-1)?.lastUserText;
    expect(seen).toBe('<\u2060|vision_start|><\u2060|image_pad|> typed <|im_start|>');
    expect((await count()) - before).toBe(3);
  });

  it('nothing is left behind', () => system.untilClean());
});
