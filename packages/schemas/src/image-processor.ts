import { z } from 'zod';

/**
 * How a model's own image processor sizes and cuts a picture: the numbers that its `preprocessor_config.json` fixes, by
 * model family. From them follows how many tokens a picture becomes. Edges are in pixels, pixel counts are areas.
 */
const expected = 'a whole number of at least 1';
const count = z.int({ error: expected }).min(1, expected);

/** Scales to an area between two bounds, sides in steps of `patchSize × mergeSize`; one token per step squared. */
export const qwenVlProcessorSchema = z
  .object({
    family: z.enum(['qwen2_vl', 'qwen2_5_vl', 'qwen3_vl']),
    patchSize: count,
    mergeSize: count,
    minPixels: count,
    maxPixels: count,
  })
  .refine(({ minPixels, maxPixels }) => minPixels <= maxPixels, {
    path: ['maxPixels'],
    error: 'at least as many as minPixels',
  });

/** Scales the longest side, then cuts square tiles and adds one view of the whole. */
export const idefics3ProcessorSchema = z.object({
  family: z.enum(['idefics3', 'smolvlm']),
  /** The longest side is scaled to it, up or down. */
  longestEdge: count,
  /** No side is larger after that. */
  maxEdge: count,
  tileEdge: count,
  doImageSplitting: z.boolean(),
  tokensPerTile: count,
});

/** LLaVA 1.5: shortest side scaled, centre cut out; the same number of tokens for every picture. */
export const llavaProcessorSchema = z.object({
  family: z.literal('llava'),
  imageEdge: count,
  tokensPerImage: count,
});

/** LLaVA-NeXT: fits the picture into the best of several canvases, and adds one view of the whole. */
export const llavaNextProcessorSchema = z.object({
  family: z.literal('llava_next'),
  /** Side of the square that the vision encoder sees. */
  imageEdge: count,
  patchesPerSide: count,
  /** Height and width of the canvases. */
  gridPinpoints: z
    .array(z.tuple([count, count]))
    .min(1)
    .max(256),
});

/** InternVL 2 to 3: the grid of tiles with the nearest aspect, and a thumbnail when there is more than one. */
export const internVlProcessorSchema = z.object({
  family: z.literal('internvl'),
  tileEdge: count,
  tokensPerTile: count,
  minTiles: count,
  maxTiles: count.max(1_024),
  thumbnail: z.boolean(),
});

/** Gemma 3: every picture squeezed into one square; with pan and scan, slices of it, too. */
export const gemma3ProcessorSchema = z.object({
  family: z.literal('gemma3'),
  imageEdge: count,
  tokensPerImage: count,
  panAndScan: z.boolean(),
  minCropSize: count,
  maxCrops: count,
  /** Long side over short side from which on slices are cut. */
  minCropRatio: z.number().positive(),
});

export const imageProcessorSchema = z.discriminatedUnion('family', [
  qwenVlProcessorSchema,
  idefics3ProcessorSchema,
  llavaProcessorSchema,
  llavaNextProcessorSchema,
  internVlProcessorSchema,
  gemma3ProcessorSchema,
]);
export type ImageProcessor = z.infer<typeof imageProcessorSchema>;
export type ImageFamily = ImageProcessor['family'];
/** The processor of one family. */
export type ImageProcessorOf<Family extends ImageFamily, Each = ImageProcessor> = Each extends {
  family: ImageFamily;
}
  ? Family extends Each['family']
    ? Each
    : never
  : never;
