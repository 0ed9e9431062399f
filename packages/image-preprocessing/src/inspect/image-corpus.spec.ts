import { FoveaError } from '@fovea/errors';
import { beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { createImageInspector, type ImageFacts } from './image-inspector.js';
import { buildImageCorpus, type CorpusImage } from './testing/image-corpus.js';
import { seededRandom } from './testing/image-parts.js';

type Verdict = ImageFacts | { readonly refused: string; readonly code: string };

function inspect(...pieces: readonly Uint8Array[]): Verdict {
  const inspector = createImageInspector({ maxSidePx: 4000 }, 'image');
  try {
    for (const piece of pieces) inspector.push(piece);
    return inspector.end();
  } catch (error) {
    if (FoveaError.isInstance(error)) return { refused: error.message, code: error.code };
    throw error;
  }
}

/** What sharp tells of a file that it decodes without a complaint about missing bytes. */
async function oracle(bytes: Buffer): Promise<ImageFacts> {
  const found = await sharp(bytes).metadata();
  await sharp(bytes, { failOn: 'truncated', animated: true }).raw().toBuffer();
  const facts = {
    mediaType: `image/${found.format}` as ImageFacts['mediaType'],
    width: found.width,
    height: found.pageHeight ?? found.height,
    frames: found.pages ?? 1,
    byteSize: bytes.length,
  };
  return {
    ...facts,
    ...(found.orientation !== undefined && {
      orientation: found.orientation as NonNullable<ImageFacts['orientation']>,
    }),
    ...(found.hasAlpha && found.format !== 'gif' && { hasAlpha: true as const }),
    ...(found.depth === 'ushort' && { bitDepth: 16 }),
    ...(found.space === 'cmyk' && { colourModel: 'cmyk' as const }),
  };
}

describe('createImageInspector, on generated files', () => {
  let corpus: readonly CorpusImage[];
  beforeAll(async () => {
    corpus = await buildImageCorpus();
  });

  it('has at least 300 files of different names to look at', () => {
    expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length);
    expect(corpus.length).toBeGreaterThanOrEqual(300);
  });

  it('tells what the decoder tells', async () => {
    for (const { name, bytes } of corpus) {
      expect({ name, facts: inspect(bytes) }).toEqual({ name, facts: await oracle(bytes) });
    }
  });

  it('finds every truncation, whether or not the decoder does', () => {
    const missed: string[] = [];
    let looked = 0;
    for (const { name, bytes } of corpus) {
      for (let length = 0; length < bytes.length; length = nextCut(length, bytes.length)) {
        const verdict = inspect(bytes.subarray(0, length));
        looked += 1;
        if (!('code' in verdict) || verdict.code !== 'INVALID_IMAGE') missed.push(`${name} at ${length}`);
      }
    }
    expect(missed).toEqual([]);
    expect(looked).toBeGreaterThan(50_000);
  });

  it('says the same wherever a file is split', () => {
    const small = corpus.filter(({ bytes }) => bytes.length <= 700);
    expect(small.length).toBeGreaterThan(100);
    const different: string[] = [];
    for (const { name, bytes } of small) {
      const whole = JSON.stringify(inspect(bytes));
      for (let at = 0; at <= bytes.length; at++) {
        const split = inspect(bytes.subarray(0, at), bytes.subarray(at));
        if (JSON.stringify(split) !== whole) different.push(`${name} at ${at}`);
      }
      const crumbs = inspect(...[...bytes].map((byte) => Uint8Array.of(byte)));
      if (JSON.stringify(crumbs) !== whole) different.push(`${name} byte by byte`);
    }
    expect(different).toEqual([]);
  });

  it('ignores what follows the end of the picture, as the decoder does', async () => {
    for (const { name, bytes } of corpus) {
      const followed = Buffer.concat([bytes, Buffer.from('\xff\xd8;IEND and more', 'latin1')]);
      const facts = { ...inspect(bytes), byteSize: followed.length };
      expect({ name, facts: inspect(followed) }).toEqual({ name, facts });
    }
  });

  it('never crashes, depends on the pieces or tells less pixels than the decoder, whatever is damaged', async () => {
    const random = seededRandom(20_260_101);
    const small = corpus.filter(({ bytes }) => bytes.length <= 3_000);
    let accepted = 0;
    for (let round = 0; round < 5_000; round++) {
      const bytes = damage(small[random(small.length)]!.bytes, random);
      const verdict = inspect(bytes);
      expect(inspect(...cutAnyhow(bytes, random))).toEqual(verdict);
      if ('code' in verdict) {
        expect(['INVALID_IMAGE', 'IMAGE_TOO_LARGE']).toContain(verdict.code);
        continue;
      }
      accepted += 1;
      const found = await sharp(bytes)
        .metadata()
        .catch(() => undefined);
      expect(found?.width ?? 0).toBeLessThanOrEqual(verdict.width);
      expect(found?.pageHeight ?? found?.height ?? 0).toBeLessThanOrEqual(verdict.height);
    }
    expect(accepted).toBeGreaterThan(500);
  });
});

/** Every 97th byte, and the last four. */
function nextCut(length: number, total: number): number {
  return length >= total - 4 ? length + 1 : Math.min(length + 97, total - 4);
}

type Random = ReturnType<typeof seededRandom>;

/** Changes, removes, puts in or repeats a few bytes, half of the time among the first 64. */
function damage(file: Buffer, random: Random): Buffer {
  const telling = Buffer.from('00010221ff3bd92cd8dac0c2e17f80fe', 'hex');
  let bytes = Buffer.from(file);
  for (let times = random(3); times >= 0; times--) {
    const at = random(random(2) ? bytes.length : Math.min(64, bytes.length));
    const length = 1 + random(8);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    const from = random(bytes.length);
    const ways = [
      () => Buffer.concat([head, Uint8Array.of(random(256)), tail.subarray(1)]),
      () => Buffer.concat([head, Uint8Array.of(telling[random(16)]!), tail.subarray(1)]),
      () => Buffer.concat([head, tail.subarray(length)]),
      () => Buffer.concat([head, Uint8Array.from({ length }, () => telling[random(16)]!), tail]),
      () => Buffer.concat([head, bytes.subarray(from, from + 5 * length), tail]),
    ];
    bytes = ways[random(ways.length)]!();
    if (bytes.length === 0) return file;
  }
  return bytes;
}

function cutAnyhow(bytes: Buffer, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random(20);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
