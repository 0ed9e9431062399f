import { type ImageProcessor, imageProcessorSchema } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../inspect/testing/image-parts.js';
import { type ImageTokenCount, imageTokens } from './image-tokens.js';

const qwen25 = {
  family: 'qwen2_5_vl',
  patchSize: 14,
  mergeSize: 2,
  minPixels: 3_136,
  maxPixels: 12_845_056,
} as const;
const qwen25Default = { ...qwen25, family: 'qwen2_vl', maxPixels: 1_003_520 } as const;
const qwen3 = {
  family: 'qwen3_vl',
  patchSize: 16,
  mergeSize: 2,
  minPixels: 65_536,
  maxPixels: 16_777_216,
} as const;
const smolVlm = {
  family: 'smolvlm',
  longestEdge: 2_048,
  maxEdge: 4_096,
  tileEdge: 512,
  doImageSplitting: true,
  tokensPerTile: 64,
} as const;
const smolVlmOneTile = { ...smolVlm, longestEdge: 512 } as const;
const smolVlmLarge = { ...smolVlm, longestEdge: 1_536, tileEdge: 384, tokensPerTile: 81 } as const;
const idefics3 = {
  family: 'idefics3',
  longestEdge: 1_456,
  maxEdge: 1_820,
  tileEdge: 364,
  doImageSplitting: true,
  tokensPerTile: 169,
} as const;
const llava = { family: 'llava', imageEdge: 336, tokensPerImage: 576 } as const;
const llavaNext: ImageProcessor = {
  family: 'llava_next',
  imageEdge: 336,
  patchesPerSide: 24,
  gridPinpoints: [
    [336, 672],
    [672, 336],
    [672, 672],
    [1_008, 336],
    [336, 1_008],
  ],
};
const internVl = {
  family: 'internvl',
  tileEdge: 448,
  tokensPerTile: 256,
  minTiles: 1,
  maxTiles: 12,
  thumbnail: true,
} as const;
const gemma3 = {
  family: 'gemma3',
  imageEdge: 896,
  tokensPerImage: 256,
  panAndScan: false,
  minCropSize: 256,
  maxCrops: 4,
  minCropRatio: 1.2,
} as const;
const gemma3Scanning = { ...gemma3, panAndScan: true } as const;

const processors: Readonly<Record<string, ImageProcessor>> = {
  qwen25,
  qwen25Default,
  qwen3,
  smolVlm,
  smolVlmOneTile,
  smolVlmLarge,
  'idefics3 in one tile': { ...idefics3, doImageSplitting: false },
  idefics3,
  llava,
  llavaNext,
  internVl,
  'internVl without thumbnail': { ...internVl, minTiles: 2, maxTiles: 6, thumbnail: false },
  gemma3,
  gemma3Scanning,
};

const count = (processor: ImageProcessor, width: number, height: number): ImageTokenCount => {
  const found = imageTokens(processor, { width, height });
  if ('refused' in found) throw new Error(`refused: ${found.refused}`);
  return found;
};
const tokens = (processor: ImageProcessor, width: number, height: number): number =>
  count(processor, width, height).tokens;

describe('tokens of Qwen-VL', () => {
  it.each([
    [1, 1, 4, 4, 64],
    [28, 28, 4, 4, 64],
    [42, 70, 4, 4, 77],
    [100, 100, 16, 16, 64],
    [224, 224, 64, 64, 64],
    [640, 480, 391, 391, 300],
    [800, 600, 609, 609, 475],
    [1_024, 1_024, 1_369, 1_225, 1_024],
    [1_300, 876, 1_426, 1_247, 1_107],
    [1_920, 1_080, 2_691, 1_222, 2_040],
    [4_032, 3_024, 15_552, 1_230, 11_844],
    [8_192, 8_192, 16_384, 1_225, 16_384],
  ])('%i×%i is %i, %i with the default bounds, %i on Qwen3', (width, height, shipped, fallback, third) => {
    expect(tokens(qwen25, width, height)).toBe(shipped);
    expect(tokens(qwen25Default, width, height)).toBe(fallback);
    expect(tokens(qwen3, width, height)).toBe(third);
  });

  it('2000×10 is the longest strip that is taken, and turned it is as long', () => {
    expect(tokens(qwen25, 2_000, 10)).toBe(71);
    expect(tokens(qwen25Default, 2_000, 10)).toBe(71);
    expect(tokens(qwen25, 10, 2_000)).toBe(71);
  });

  it.each([qwen25, qwen25Default, qwen3])(
    'a side ratio over 200 is refused, as the processor throws at it',
    (processor) => {
      expect(imageTokens(processor, { width: 2_001, height: 10 })).toEqual({
        refused: 'side-ratio',
        limit: 200,
        actual: 200.1,
      });
      expect(imageTokens(processor, { width: 1, height: 201 })).toMatchObject({ actual: 201 });
    },
  );

  it('a half is rounded to the even step, on both sides of one and a half and two and a half', () => {
    const free = { ...qwen25, minPixels: 1 };
    expect([42, 70, 98, 126].map((side) => tokens(free, side, 28))).toEqual([2, 2, 4, 4]);
    expect(tokens(free, 14, 28)).toBe(1);
  });

  it('stays within the bounds of the area, whatever the size', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 2_000; round += 1) {
      const [width, height] = [1 + random(4_000), 1 + random(4_000)];
      if (Math.max(width, height) / Math.min(width, height) > 200) continue;
      for (const processor of [qwen25, qwen25Default, qwen3]) {
        const area = tokens(processor, width, height) * (processor.patchSize * processor.mergeSize) ** 2;
        expect(area).toBeGreaterThanOrEqual(processor.minPixels);
        expect(area).toBeLessThanOrEqual(processor.maxPixels);
      }
    }
  });

  it('has a start and an end tag around them', () => {
    expect(count(qwen3, 640, 480).wrapperTokens).toBe(2);
  });
});

describe('tokens of Idefics3 and SmolVLM', () => {
  it.each([
    [1, 1, 1_088, 2_873],
    [224, 224, 1_088, 2_873],
    [512, 512, 1_088, 2_873],
    [1_024, 1_024, 1_088, 2_873],
    [640, 480, 832, 2_197],
    [1_300, 876, 832, 2_197],
    [1_920, 1_080, 832, 2_197],
    [4_032, 3_024, 832, 2_197],
    [1_080, 1_920, 832, 2_197],
    [2_048, 512, 320, 845],
    [3_000, 300, 320, 845],
    [5_000, 100, 320, 845],
  ])('%i×%i is %i, and %i on 364 pixel tiles', (width, height, smol, large) => {
    expect(tokens(smolVlm, width, height)).toBe(smol);
    expect(tokens(smolVlmOneTile, width, height)).toBe(64);
    expect(tokens(idefics3, width, height)).toBe(large);
  });

  it.each([
    [1_280, 640, 9],
    [1_600, 1_067, 13],
    [224, 224, 17],
  ])('%i×%i has %i tiles of 364 pixels, as transformers.js has it', (width, height, tiles) => {
    expect(tokens(idefics3, width, height)).toBe(tiles * 169);
  });

  it('no side is larger than the edge of the first versions', () => {
    const wide = { ...idefics3, longestEdge: 3_640 };
    expect(tokens(wide, 1_000, 1_000)).toBe(26 * 169);
    expect(tokens({ ...wide, maxEdge: 4_096 }, 1_000, 1_000)).toBe(101 * 169);
  });

  it('has tags around every tile, newlines between rows, and three tags without a grid', () => {
    expect(count(smolVlm, 640, 480).wrapperTokens).toBe(2 * 12 + 2 + 1 + 3);
    expect(count(smolVlmOneTile, 640, 480).wrapperTokens).toBe(3);
  });
});

describe('tokens of LLaVA', () => {
  it('1.5 are the same for every picture', () => {
    expect(count(llava, 1, 4_000)).toEqual({ tokens: 576, wrapperTokens: 0 });
  });

  it.each([
    [336, 336, 1_176],
    [640, 480, 2_340],
    [1_024, 1_024, 2_928],
    [1_300, 876, 2_144],
    [1_920, 1_080, 1_948],
    [1_080, 1_920, 1_968],
    [1_669, 2_560, 2_160],
    [488, 183, 1_458],
  ])('NeXT: %i×%i is %i', (width, height, expected) => {
    expect(count(llavaNext, width, height)).toEqual({ tokens: expected, wrapperTokens: 0 });
  });
});

describe('tokens of InternVL', () => {
  it.each([
    [448, 448, 256],
    [896, 448, 768],
    [640, 480, 3_328],
    [4_032, 3_024, 3_328],
    [1_024, 1_024, 2_560],
    [1_300, 876, 1_792],
    [1_920, 1_080, 2_304],
    [3_000, 300, 2_816],
  ])('%i×%i is %i', (width, height, expected) => {
    expect(count(internVl, width, height)).toEqual({ tokens: expected, wrapperTokens: 2 });
  });

  it('of two grids with the same aspect the larger is taken when more than half of it would be filled', () => {
    expect(tokens(internVl, 1_792, 896)).toBe(256 * 9);
    expect(tokens(internVl, 1_266, 633)).toBe(256 * 3);
    expect(tokens(internVl, 1_268, 634)).toBe(256 * 9);
  });

  it('without a thumbnail are those of the tiles, at least and at most as many as set', () => {
    const bare = { ...internVl, minTiles: 2, maxTiles: 6, thumbnail: false };
    expect(tokens(bare, 448, 448)).toBe(256 * 4);
    expect(tokens(bare, 4_000, 10)).toBe(256 * 6);
  });
});

describe('tokens of Gemma 3', () => {
  it.each([
    [640, 480, 768],
    [1_024, 1_024, 256],
    [4_032, 1_008, 1_280],
    [400, 300, 256],
    [480, 640, 768],
    [1_008, 4_032, 1_280],
  ])('%i×%i is 256, and %i with pan and scan', (width, height, scanned) => {
    expect(count(gemma3, width, height)).toEqual({ tokens: 256, wrapperTokens: 4 });
    expect(count(gemma3Scanning, width, height)).toEqual({
      tokens: scanned,
      wrapperTokens: (scanned / 256) * 4,
    });
  });
});

describe('tokens of any family', () => {
  it.each(Object.entries(processors))('are whole numbers above 0 for every size: %s', (_name, processor) => {
    expect(imageProcessorSchema.parse(processor)).toEqual(processor);
    const random = seededRandom(11);
    const sides = [1, 2, 7, 27, 28, 29, 335, 336, 448, 511, 512, 513, 3_999, 4_000];
    for (let round = 0; round < 3_000; round += 1) {
      const width = random(4) === 0 ? sides[random(sides.length)]! : 1 + random(4_000);
      const height = random(4) === 0 ? sides[random(sides.length)]! : 1 + random(4_000);
      const found = imageTokens(processor, { width, height });
      if ('refused' in found) {
        expect(found.actual).toBeGreaterThan(found.limit);
        continue;
      }
      expect(Number.isInteger(found.tokens) && found.tokens > 0).toBe(true);
      expect(Number.isInteger(found.wrapperTokens) && found.wrapperTokens >= 0).toBe(true);
    }
  });

  it.each(['qwen25', 'qwen25Default', 'qwen3', 'smolVlm', 'idefics3', 'gemma3Scanning'])(
    'do not depend on whether a picture lies or stands: %s',
    (name) => {
      const processor = processors[name]!;
      const random = seededRandom(13);
      for (let round = 0; round < 1_000; round += 1) {
        const [width, height] = [100 + random(3_900), 100 + random(3_900)];
        expect(tokens(processor, width, height)).toBe(tokens(processor, height, width));
      }
    },
  );

  it.each([qwen25, qwen3])(
    'never fall as a square grows from the least area to the largest: %o',
    (processor) => {
      let last = 0;
      for (let side = Math.sqrt(processor.minPixels); side <= Math.sqrt(processor.maxPixels); side += 1) {
        const found = tokens(processor, side, side);
        expect(found).toBeGreaterThanOrEqual(last);
        last = found;
      }
    },
  );
});
