import type { ImageFamily, ImageProcessor } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../inspect/testing/image-parts.js';
import { publishedProcessor } from '../processor-config/published-processors.js';
import { imageTokens } from '../tokens/image-tokens.js';
import { type PlannedImage, planImage } from './plan-image.js';
import { sizeForModel, uprightSize } from './size-for-model.js';

const qwenOfOneMegapixel: ImageProcessor = {
  family: 'qwen2_5_vl',
  patchSize: 14,
  mergeSize: 2,
  minPixels: 3_136,
  maxPixels: 1_003_520,
};
const plain: PlannedImage = { mediaType: 'image/jpeg', width: 640, height: 480, frames: 1 };
const idOf = (image: PlannedImage, processor: ImageProcessor | null): string => {
  const plan = planImage(image, processor);
  return plan === 'pass' ? plan : plan.id;
};

describe('planImage, with no model known', () => {
  it.each([
    plain,
    { ...plain, mediaType: 'image/png' },
    { ...plain, mediaType: 'image/webp', orientation: 1 },
    { ...plain, hasAlpha: false, bitDepth: 8 },
    { ...plain, width: 4_000, height: 4_000 },
    { ...plain, width: 1, height: 4_000 },
  ])('passes a plain still picture: %o', (image) => {
    expect(planImage(image, null)).toBe('pass');
  });

  it.each<readonly [string, Partial<PlannedImage>, string]>([
    ['one that is turned', { orientation: 3 }, 'v1-jpeg'],
    ['one with 16 bits', { mediaType: 'image/png', bitDepth: 16 }, 'v1-png'],
    ['one with transparent parts', { mediaType: 'image/png', hasAlpha: true }, 'v1-png'],
    ['a WebP with transparent parts', { mediaType: 'image/webp', hasAlpha: true }, 'v1-jpeg'],
    ['one in CMYK', { colourModel: 'cmyk' }, 'v1-jpeg'],
    ['an animation', { mediaType: 'image/webp', frames: 2 }, 'v1-jpeg'],
    ['an animated PNG', { mediaType: 'image/png', frames: 2 }, 'v1-png'],
    ['any GIF', { mediaType: 'image/gif' }, 'v1-png'],
  ])('decodes %s', (_name, traits, id) => {
    expect(idOf({ ...plain, ...traits }, null)).toBe(id);
  });

  it('gives the size of the picture as it stands upright', () => {
    const plan = planImage({ ...plain, orientation: 6 }, null);
    expect(plan).toMatchObject({ width: 480, height: 640, upright: { width: 480, height: 640 } });
    expect(planImage({ ...plain, orientation: 4 }, null)).toMatchObject({ width: 640, height: 480 });
  });

  it('passes what has no size: it was not inspected', () => {
    expect(planImage({ mediaType: 'image/gif' }, null)).toBe('pass');
  });
});

describe('planImage, for a model', () => {
  it.each<readonly [ImageFamily, number, number, string]>([
    ['qwen2_5_vl', 1, 1, 'v1-png-pad28x28'],
    ['qwen2_5_vl', 28, 28, 'pass'],
    ['qwen2_5_vl', 27, 4_000, 'v1-png-pad28x4000'],
    ['qwen3_vl', 31, 100, 'v1-png-pad32x100'],
    ['smolvlm', 1, 1, 'v1-png-pad8x8'],
    ['idefics3', 2_000, 7, 'v1-png-pad2000x8'],
    ['idefics3', 8, 8, 'pass'],
    ['llava', 4_000, 1, 'v1-png-pad4000x20'],
    ['llava', 4_000, 20, 'pass'],
    ['gemma3', 1, 1, 'pass'],
  ])('adds the margin without which it fails: %s, %i×%i', (family, width, height, id) => {
    expect(idOf({ mediaType: 'image/png', width, height }, publishedProcessor(family))).toBe(id);
  });

  it('keeps the ratio of sides within what Qwen takes, also with steps so small that the side would do', () => {
    const small: ImageProcessor = { ...qwenOfOneMegapixel, patchSize: 4, mergeSize: 1, minPixels: 16 };
    expect(idOf({ mediaType: 'image/png', width: 4_000, height: 10 }, small)).toBe('v1-png-pad4000x20');
    expect(idOf({ mediaType: 'image/png', width: 2_000, height: 10 }, small)).toBe('pass');
  });

  it.each<readonly [string, ImageProcessor, number, number, string]>([
    ['an area', qwenOfOneMegapixel, 4_000, 3_000, 'v1-jpeg-cubic1148x840'],
    ['an area that is nearly met', qwenOfOneMegapixel, 1_300, 876, 'pass'],
    ['a longest side', publishedProcessor('smolvlm'), 4_000, 3_000, 'v1-jpeg-lanczos32048x1536'],
    ['a short side', publishedProcessor('llava'), 4_000, 3_000, 'v1-jpeg-cubic448x336'],
    ['a canvas', publishedProcessor('llava_next'), 4_000, 3_000, 'v1-jpeg-cubic672x504'],
    ['tiles', publishedProcessor('internvl'), 4_000, 3_000, 'v1-jpeg-cubic1792x1344'],
    ['one square', publishedProcessor('gemma3'), 4_000, 3_000, 'v1-jpeg-linear1195x896'],
    [
      'slices of the whole',
      { ...publishedProcessor('gemma3'), panAndScan: true } as ImageProcessor,
      4_000,
      3_000,
      'pass',
    ],
    ['an area larger than pictures are', publishedProcessor('qwen2_5_vl'), 4_000, 4_000, 'pass'],
  ])('shrinks a photograph to what the model uses: %s', (_name, processor, width, height, id) => {
    expect(idOf({ mediaType: 'image/jpeg', width, height }, processor)).toBe(id);
  });

  it('turns, then shrinks', () => {
    const photo = { mediaType: 'image/jpeg', width: 4_000, height: 3_000, orientation: 6 };
    expect(idOf(photo, qwenOfOneMegapixel)).toBe('v1-jpeg-cubic840x1148');
  });

  it.each<readonly [string, ImageProcessor, boolean]>([
    ['Qwen2.5-VL with one megapixel', qwenOfOneMegapixel, true],
    ['Idefics3', publishedProcessor('idefics3'), true],
    ['SmolVLM', publishedProcessor('smolvlm'), true],
    ['SmolVLM of 512', { ...publishedProcessor('smolvlm'), longestEdge: 512 } as ImageProcessor, true],
    [
      'SmolVLM in one tile',
      { ...publishedProcessor('smolvlm'), doImageSplitting: false } as ImageProcessor,
      true,
    ],
    ['LLaVA 1.5', publishedProcessor('llava'), true],
    ['LLaVA-NeXT', publishedProcessor('llava_next'), true],
    ['InternVL', publishedProcessor('internvl'), true],
    ['Gemma 3', publishedProcessor('gemma3'), true],
    ['Qwen2-VL, whose area no picture exceeds twice', publishedProcessor('qwen2_vl'), false],
    ['Qwen3-VL, the same', publishedProcessor('qwen3_vl'), false],
    [
      'Gemma 3 with pan and scan',
      { ...publishedProcessor('gemma3'), panAndScan: true } as ImageProcessor,
      false,
    ],
  ])(
    'never changes the number of tokens, never enlarges, and has nothing left to do after: %s',
    (_name, processor, shrinks) => {
      const random = seededRandom(17);
      const wrong: unknown[] = [];
      let shrunk = 0;
      for (let round = 0; round < 3_000; round += 1) {
        const side = () => 1 + random(random(3) === 0 ? 60 : 4_000);
        const stored = { width: side(), height: side(), orientation: 1 + random(8) };
        const size = sizeForModel(stored, processor);
        const plan = planImage({ mediaType: 'image/jpeg', ...stored }, processor);
        const sent = plan === 'pass' ? uprightSize(stored) : { width: plan.width, height: plan.height };
        if (plan !== 'pass' && plan.shrunk !== undefined) shrunk += 1;
        const [counted, after] = [imageTokens(processor, size), imageTokens(processor, sent)];
        const isSame = !('refused' in counted) && JSON.stringify(after) === JSON.stringify(counted);
        const isLarger = sent.width > size.width || sent.height > size.height;
        const again = planImage({ mediaType: 'image/jpeg', ...sent }, processor);
        if (!isSame || isLarger || again !== 'pass') wrong.push({ stored, plan, counted, after, again });
      }
      expect(wrong).toEqual([]);
      expect(shrunk > 0).toBe(shrinks);
    },
  );
});
