import { imageProcessorSchema } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import type { ModelFiles } from './model-files.js';
import { publishedProcessor } from './published-processors.js';
import { readImageProcessor } from './read-image-processor.js';

const qwen2 = {
  min_pixels: 3_136,
  max_pixels: 12_845_056,
  patch_size: 14,
  temporal_patch_size: 2,
  merge_size: 2,
  image_processor_type: 'Qwen2VLImageProcessor',
  processor_class: 'Qwen2VLProcessor',
};
const qwen3 = {
  size: { longest_edge: 16_777_216, shortest_edge: 65_536 },
  patch_size: 16,
  temporal_patch_size: 2,
  merge_size: 2,
  processor_class: 'Qwen3VLProcessor',
  image_processor_type: 'Qwen2VLImageProcessorFast',
};
const smolVlm = {
  do_image_splitting: true,
  do_resize: true,
  image_processor_type: 'Idefics3ImageProcessor',
  max_image_size: { longest_edge: 512 },
  processor_class: 'Idefics3Processor',
  resample: 1,
  size: { longest_edge: 2_048 },
};
const smolVlmModel = { model_type: 'smolvlm', scale_factor: 4, vision_config: { patch_size: 16 } };
const clip = { model_type: 'clip_vision_model', image_size: 336, patch_size: 14 };
const clipProcessor = {
  crop_size: { height: 336, width: 336 },
  size: { shortest_edge: 336 },
  image_processor_type: 'CLIPImageProcessor',
};
const gridPinpoints = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1_008, 336],
  [336, 1_008],
];

describe('readImageProcessor', () => {
  it.each<readonly [string, ModelFiles, Parameters<typeof publishedProcessor>[0]]>([
    ['Qwen2-VL', { preprocessor: qwen2, model: { model_type: 'qwen2_vl' } }, 'qwen2_vl'],
    ['Qwen2.5-VL', { preprocessor: qwen2, model: { model_type: 'qwen2_5_vl' } }, 'qwen2_5_vl'],
    [
      'Qwen2.5-VL by the class of its processor',
      { preprocessor: { ...qwen2, processor_class: 'Qwen2_5_VLProcessor' } },
      'qwen2_5_vl',
    ],
    [
      'Qwen2-VL with areas in size',
      {
        preprocessor: {
          ...qwen2,
          min_pixels: null,
          max_pixels: null,
          size: { shortest_edge: 3_136, longest_edge: 12_845_056 },
        },
      },
      'qwen2_vl',
    ],
    [
      'Qwen2-VL with pixels in size',
      {
        preprocessor: {
          ...qwen2,
          min_pixels: undefined,
          max_pixels: undefined,
          size: { min_pixels: 3_136, max_pixels: 12_845_056 },
        },
      },
      'qwen2_vl',
    ],
    ['Qwen3-VL', { preprocessor: qwen3, model: { model_type: 'qwen3_vl_moe' } }, 'qwen3_vl'],
    ['Qwen3-VL without config.json', { preprocessor: qwen3 }, 'qwen3_vl'],
    [
      'Qwen3-VL in one file of newer versions',
      { processor: { image_processor: qwen3, processor_class: 'Qwen3VLProcessor' } },
      'qwen3_vl',
    ],
    [
      'SmolVLM2',
      {
        preprocessor: { ...smolVlm, image_processor_type: 'SmolVLMImageProcessor' },
        model: smolVlmModel,
      },
      'smolvlm',
    ],
    [
      'SmolVLM2 without config.json',
      {
        preprocessor: { ...smolVlm, processor_class: 'SmolVLMProcessor' },
        processor: { image_seq_len: 64 },
      },
      'smolvlm',
    ],
    [
      'Idefics3',
      {
        preprocessor: {
          ...smolVlm,
          size: { longest_edge: 1_456 },
          max_image_size: { longest_edge: 364 },
        },
        processor: { image_seq_len: 169, processor_class: 'Idefics3Processor' },
        model: { model_type: 'idefics3', scale_factor: 2, vision_config: { patch_size: 14 } },
      },
      'idefics3',
    ],
    [
      'LLaVA 1.5',
      { preprocessor: clipProcessor, model: { model_type: 'llava', vision_config: clip } },
      'llava',
    ],
    [
      'LLaVA 1.5 with numbers for sizes',
      {
        preprocessor: { size: 336, crop_size: 336, feature_extractor_type: 'CLIPFeatureExtractor' },
        processor: { processor_class: 'LlavaProcessor', patch_size: 14 },
      },
      'llava',
    ],
    [
      'LLaVA-NeXT',
      {
        preprocessor: clipProcessor,
        model: { model_type: 'llava_next', vision_config: clip, image_grid_pinpoints: gridPinpoints },
      },
      'llava_next',
    ],
    [
      'LLaVA-NeXT without config.json',
      {
        preprocessor: {
          ...clipProcessor,
          image_processor_type: 'LlavaNextImageProcessorFast',
          image_grid_pinpoints: gridPinpoints,
        },
      },
      'llava_next',
    ],
    [
      'InternVL 2.5',
      {
        preprocessor: { size: 448, crop_size: 448, feature_extractor_type: 'CLIPFeatureExtractor' },
        model: {
          model_type: 'internvl_chat',
          force_image_size: 448,
          downsample_ratio: 0.5,
          min_dynamic_patch: 1,
          max_dynamic_patch: 12,
          dynamic_image_size: true,
          use_thumbnail: true,
          vision_config: { patch_size: 14, image_size: 448 },
        },
      },
      'internvl',
    ],
    [
      'InternVL 3 of transformers',
      {
        preprocessor: {
          image_processor_type: 'GotOcr2ImageProcessorFast',
          size: { height: 448, width: 448 },
          min_patches: 1,
          max_patches: 12,
        },
        processor: { image_seq_length: 256, processor_class: 'InternVLProcessor' },
      },
      'internvl',
    ],
    [
      'Gemma 3',
      {
        preprocessor: {
          do_pan_and_scan: null,
          image_processor_type: 'Gemma3ImageProcessor',
          image_seq_length: 256,
          pan_and_scan_max_num_crops: null,
          pan_and_scan_min_crop_size: null,
          pan_and_scan_min_ratio_to_activate: null,
          size: { height: 896, width: 896 },
        },
      },
      'gemma3',
    ],
  ])('reads the files of %s', (_name, files, family) => {
    expect(readImageProcessor(files)).toEqual(publishedProcessor(family));
  });

  it('min_pixels and max_pixels go before size, as in the processor', () => {
    const files = { preprocessor: { ...qwen3, min_pixels: 4_096, max_pixels: 1_003_520 } };
    expect(readImageProcessor(files)).toMatchObject({ minPixels: 4_096, maxPixels: 1_003_520 });
  });

  it('a Qwen without bounds has those of the class', () => {
    const files = { preprocessor: { processor_class: 'Qwen2VLProcessor' } };
    expect(readImageProcessor(files)).toEqual({
      ...publishedProcessor('qwen2_vl'),
      maxPixels: 1_003_520,
    });
  });

  it('SmolVLM of the first version calls itself Idefics3, and its tiles are counted from config.json', () => {
    expect(
      readImageProcessor({ preprocessor: smolVlm, model: { ...smolVlmModel, model_type: 'idefics3' } }),
    ).toEqual({ ...publishedProcessor('smolvlm'), family: 'idefics3' });
  });

  it('a LLaVA with another vision encoder is counted only where its patches are a square', () => {
    const siglip = { model_type: 'siglip_vision_model', image_size: 384, patch_size: 14 };
    const withEncoder = (vision_config: object, strategy: string) =>
      readImageProcessor({
        preprocessor: { image_grid_pinpoints: gridPinpoints },
        model: { model_type: 'llava_next', vision_config, vision_feature_select_strategy: strategy },
      });
    expect(withEncoder(siglip, 'full')).toMatchObject({ imageEdge: 384, patchesPerSide: 27 });
    expect(withEncoder(siglip, 'default')).toBeNull();
    expect(withEncoder(clip, 'full')).toBeNull();
    const pixtral = { model_type: 'pixtral', image_size: 1_024, patch_size: 16 };
    expect(readImageProcessor({ model: { model_type: 'llava', vision_config: pixtral } })).toBeNull();
  });

  it('reads InternVL with one tile and Gemma 3 with pan and scan', () => {
    const model = { model_type: 'internvl_chat', dynamic_image_size: false, max_dynamic_patch: 6 };
    expect(readImageProcessor({ model })).toMatchObject({ minTiles: 1, maxTiles: 1, tokensPerTile: 256 });
    expect(
      readImageProcessor({
        preprocessor: {
          image_processor_type: 'Gemma3ImageProcessorFast',
          do_pan_and_scan: true,
          pan_and_scan_max_num_crops: 6,
        },
      }),
    ).toMatchObject({ panAndScan: true, maxCrops: 6, minCropSize: 256 });
  });

  it.each<readonly [string, ModelFiles]>([
    ['nothing', {}],
    ['files that are no objects', { preprocessor: [1], model: 'x', processor: null }],
    ['an unknown family', { preprocessor: qwen2, model: { model_type: 'llava_onevision' } }],
    ['names of the prototype', { preprocessor: { processor_class: 'constructor' } }],
    ['CLIP, which many models share', { preprocessor: clipProcessor }],
    ['a processor that does not resize', { preprocessor: { ...qwen2, do_resize: false } }],
    ['numbers that are none', { preprocessor: { ...qwen2, max_pixels: 'many' } }],
    ['bounds the wrong way round', { preprocessor: { ...qwen2, min_pixels: 20_000_000 } }],
    ['numbers below 1', { preprocessor: { ...qwen2, patch_size: 0 } }],
    ['tiles whose tokens nothing tells', { preprocessor: smolVlm }],
    ['canvases that are no pairs', { preprocessor: { image_processor_type: 'LlavaNextImageProcessor' } }],
  ])('can tell nothing of %s', (_name, files) => {
    expect(readImageProcessor(files)).toBeNull();
  });
});

describe('publishedProcessor', () => {
  it('has every family', () => {
    for (const { shape } of imageProcessorSchema.options) {
      const families = 'options' in shape.family ? shape.family.options : [...shape.family.values];
      for (const family of families) {
        expect(imageProcessorSchema.parse(publishedProcessor(family))).toMatchObject({ family });
      }
    }
  });
});
