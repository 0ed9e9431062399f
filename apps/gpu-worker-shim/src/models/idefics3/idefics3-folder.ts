import { idefics3TokensPerTile, isIdefics3Resample } from '@fovea/image-preprocessing';
import { z } from 'zod';
import { decoderConfigSchema, type LanguageFolder, readLanguageFolder } from '../language/language-folder.js';
import { readModelFile } from '../model-folder.js';
import { precisionConfigSchema, requireGraph } from '../model-folder-graphs.js';

const size = z.number().int().positive();

const configSchema = z.looseObject({
  image_token_id: z.number().int().nonnegative(),
  scale_factor: size,
  eos_token_id: decoderConfigSchema.shape.eos_token_id,
  text_config: decoderConfigSchema,
  vision_config: z.looseObject({ patch_size: size }),
  'transformers.js_config': precisionConfigSchema,
});

const channels = z.tuple([z.number(), z.number(), z.number()]);

const preprocessorSchema = z.looseObject({
  image_processor_type: z.enum(['Idefics3ImageProcessor', 'SmolVLMImageProcessor']),
  do_resize: z.literal(true),
  do_rescale: z.boolean(),
  rescale_factor: z.number().positive(),
  do_normalize: z.boolean(),
  image_mean: channels,
  image_std: channels,
  do_image_splitting: z.boolean(),
  max_image_size: z.looseObject({ longest_edge: size }),
  size: z.looseObject({ longest_edge: size }),
  resample: z.number().int().refine(isIdefics3Resample, 'this resampling filter is not supported'),
});

const processorSchema = z.looseObject({ image_seq_len: size });

/** Everything that an Idefics3 folder says, and where its graphs are. */
export interface Idefics3Folder extends LanguageFolder {
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
  readonly preprocessor: z.infer<typeof preprocessorSchema>;
  readonly files: {
    readonly embedTokens: string;
    readonly decoder: string;
    readonly vision: string;
  };
}

/**
 * Reads a folder. Throws an `Error` that names the file and what is missing, wrong or not supported.
 * @param dtypes precisions to prefer, see `requireGraph`
 */
export async function readIdefics3Folder(folder: string, dtypes: readonly string[]): Promise<Idefics3Folder> {
  const config = await readModelFile(folder, 'config.json', configSchema);
  const preprocessor = await readModelFile(folder, 'preprocessor_config.json', preprocessorSchema);
  const processor = await readModelFile(folder, 'processor_config.json', processorSchema);
  const tileEdge = preprocessor.max_image_size.longest_edge;
  const tokensPerTile = idefics3TokensPerTile(tileEdge, config.vision_config.patch_size, config.scale_factor);
  if (processor.image_seq_len !== tokensPerTile) {
    throw new Error(
      `${folder}/processor_config.json: image_seq_len is ${processor.image_seq_len}, but tile, patch and scale give ${tokensPerTile}`,
    );
  }
  const choice = { config: config['transformers.js_config'], preferred: dtypes };
  return {
    ...(await readLanguageFolder(folder, config.text_config, config)),
    imageTokenId: config.image_token_id,
    tokensPerTile,
    preprocessor,
    files: {
      embedTokens: await requireGraph(folder, 'embed_tokens', choice),
      decoder: await requireGraph(folder, 'decoder_model_merged', choice),
      vision: await requireGraph(folder, 'vision_encoder', choice),
    },
  };
}
