import type { ImageFamily, ImageProcessor, ImageProcessorOf } from '@fovea/schemas/model-package';

const qwen2 = { patchSize: 14, mergeSize: 2, minPixels: 3_136, maxPixels: 12_845_056 } as const;

const published: { readonly [Family in ImageFamily]: ImageProcessorOf<Family> } = {
  qwen2_vl: { family: 'qwen2_vl', ...qwen2 },
  qwen2_5_vl: { family: 'qwen2_5_vl', ...qwen2 },
  qwen3_vl: {
    family: 'qwen3_vl',
    patchSize: 16,
    mergeSize: 2,
    minPixels: 65_536,
    maxPixels: 16_777_216,
  },
  idefics3: {
    family: 'idefics3',
    longestEdge: 1_456,
    maxEdge: 4_096,
    tileEdge: 364,
    doImageSplitting: true,
    tokensPerTile: 169,
  },
  smolvlm: {
    family: 'smolvlm',
    longestEdge: 2_048,
    maxEdge: 4_096,
    tileEdge: 512,
    doImageSplitting: true,
    tokensPerTile: 64,
  },
  llava: { family: 'llava', imageEdge: 336, tokensPerImage: 576 },
  llava_next: {
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
  },
  internvl: {
    family: 'internvl',
    tileEdge: 448,
    tokensPerTile: 256,
    minTiles: 1,
    maxTiles: 12,
    thumbnail: true,
  },
  gemma3: {
    family: 'gemma3',
    imageEdge: 896,
    tokensPerImage: 256,
    panAndScan: false,
    minCropSize: 256,
    maxCrops: 4,
    minCropRatio: 1.2,
  },
};

/** What the family's published checkpoints have in their files, for models whose files are not at hand. */
export function publishedProcessor(family: ImageFamily): ImageProcessor {
  return published[family];
}
