import { type ImageFamily, type ImageProcessor, imageProcessorSchema } from '@fovea/schemas/model-package';
import { imageFamilyOf } from './image-family.js';
import { edgeOf, firstOf, type ModelFiles, ModelSettings, member, wholeQuotient } from './model-files.js';

/** The numbers of one family as they stand in the files, not yet checked; undefined when the model differs from it. */
type Reader = (settings: ModelSettings) => Readonly<Record<string, unknown>> | undefined;

/** Defaults are those of the class `Qwen2VLImageProcessor`, which all three use. `size` holds areas, not edges. */
const readQwenVl: Reader = ({ image }) => ({
  patchSize: firstOf(image.patch_size, 14),
  mergeSize: firstOf(image.merge_size, 2),
  minPixels: firstOf(
    image.min_pixels,
    member(image.size, 'min_pixels'),
    member(image.size, 'shortest_edge'),
    3_136,
  ),
  maxPixels: firstOf(
    image.max_pixels,
    member(image.size, 'max_pixels'),
    member(image.size, 'longest_edge'),
    1_003_520,
  ),
});

/**
 * The bound of a side is 4096 for every file: the first versions of the class had 1820, but threw at a `size` above it.
 */
const readIdefics3: Reader = ({ image, processor, model, vision }) => {
  const tileEdge = firstOf(member(image.max_image_size, 'longest_edge'), 364);
  const computed = (wholeQuotient(tileEdge, vision.patch_size) / Number(model.scale_factor)) ** 2;
  return {
    longestEdge: firstOf(member(image.size, 'longest_edge'), 4 * 364),
    maxEdge: 4_096,
    tileEdge,
    doImageSplitting: firstOf(image.do_image_splitting, true),
    tokensPerTile: firstOf(processor.image_seq_len, processor.image_seq_length, computed),
  };
};

/** Patches along a side of what a LLaVA's vision encoder sees; undefined when their number is not its square. */
function llavaPatches({ image, processor, model, vision }: ModelSettings): number | undefined {
  const edge = firstOf(vision.image_size, edgeOf(image.crop_size), edgeOf(image.size), 336);
  const patches = wholeQuotient(edge, firstOf(vision.patch_size, processor.patch_size, 14));
  const encoder = firstOf(vision.model_type, 'clip_vision_model');
  const strategy = firstOf(
    model.vision_feature_select_strategy,
    processor.vision_feature_select_strategy,
    'default',
  );
  // `default` drops the class token, which CLIP has and SigLIP has not.
  const isSquare =
    (encoder === 'clip_vision_model' && strategy === 'default') ||
    (encoder === 'siglip_vision_model' && strategy === 'full');
  return isSquare ? patches : undefined;
}

const readLlava: Reader = (settings) => {
  const patches = llavaPatches(settings);
  const edge = firstOf(settings.vision.image_size, edgeOf(settings.image.crop_size), 336);
  return patches === undefined ? undefined : { imageEdge: edge, tokensPerImage: patches ** 2 };
};

const readLlavaNext: Reader = (settings) => {
  const { image, model, vision } = settings;
  const patchesPerSide = llavaPatches(settings);
  if (patchesPerSide === undefined) return undefined;
  return {
    imageEdge: firstOf(vision.image_size, edgeOf(image.crop_size), edgeOf(image.size), 336),
    patchesPerSide,
    gridPinpoints: firstOf(model.image_grid_pinpoints, image.image_grid_pinpoints),
  };
};

/** The model's own code keeps everything in `config.json`; transformers' version in the files of the processor. */
const readInternVl: Reader = ({ image, processor, model, vision, modelType }) => {
  if (modelType === 'internvl_chat') {
    const tileEdge = firstOf(model.force_image_size, vision.image_size, 448);
    const side = wholeQuotient(tileEdge, firstOf(vision.patch_size, 14));
    const isDynamic = model.dynamic_image_size !== false;
    return {
      tileEdge,
      tokensPerTile: Math.trunc((side * Number(firstOf(model.downsample_ratio, 0.5))) ** 2),
      minTiles: isDynamic ? firstOf(model.min_dynamic_patch, 1) : 1,
      maxTiles: isDynamic ? firstOf(model.max_dynamic_patch, 12) : 1,
      thumbnail: model.use_thumbnail !== false,
    };
  }
  return {
    tileEdge: firstOf(edgeOf(image.size), 448),
    tokensPerTile: firstOf(processor.image_seq_length, 256),
    minTiles: firstOf(image.min_patches, 1),
    maxTiles: firstOf(image.max_patches, 12),
    thumbnail: true,
  };
};

const readGemma3: Reader = ({ image, processor }) => ({
  imageEdge: firstOf(edgeOf(image.size), 896),
  tokensPerImage: firstOf(image.image_seq_length, processor.image_seq_length, 256),
  panAndScan: firstOf(image.do_pan_and_scan, false),
  minCropSize: firstOf(image.pan_and_scan_min_crop_size, 256),
  maxCrops: firstOf(image.pan_and_scan_max_num_crops, 4),
  minCropRatio: firstOf(image.pan_and_scan_min_ratio_to_activate, 1.2),
});

const readers: Readonly<Record<ImageFamily, Reader>> = {
  qwen2_vl: readQwenVl,
  qwen2_5_vl: readQwenVl,
  qwen3_vl: readQwenVl,
  idefics3: readIdefics3,
  smolvlm: readIdefics3,
  llava: readLlava,
  llava_next: readLlavaNext,
  internvl: readInternVl,
  gemma3: readGemma3,
};

/**
 * Reads from a model's own files how its pictures are processed, in all the forms that versions of transformers write.
 * Null for a family that is not known, and for files that say something else than the family's models do: then nothing
 * can be told of its pictures, which is no error.
 */
export function readImageProcessor(files: ModelFiles): ImageProcessor | null {
  const settings = new ModelSettings(files);
  const family = imageFamilyOf(settings);
  if (family === undefined || settings.image.do_resize === false) return null;
  const numbers = readers[family](settings);
  return imageProcessorSchema.safeParse({ family, ...numbers }).data ?? null;
}
