import { idefics3TokensPerTile, isIdefics3Resample } from '@fovea/image-preprocessing';
import { z } from 'zod';
import { readModelFile, readOptionalModelFile, requireModelFile } from '../model-folder.js';

const size = z.number().int().positive();
const ids = z.union([z.number().int(), z.array(z.number().int()).min(1)]);

const configSchema = z.looseObject({
  image_token_id: z.number().int().nonnegative(),
  scale_factor: size,
  eos_token_id: ids.optional(),
  text_config: z.looseObject({ max_position_embeddings: size, eos_token_id: ids.optional() }),
  vision_config: z.looseObject({ patch_size: size }),
  'transformers.js_config': z
    .looseObject({ dtype: z.union([z.string(), z.record(z.string(), z.string())]).optional() })
    .optional(),
});

const generationSchema = z.looseObject({
  eos_token_id: ids.nullish(),
  temperature: z.number().nonnegative().nullish(),
  top_p: z.number().positive().max(1).nullish(),
  top_k: z.number().int().nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().positive().nullish(),
});
export type GenerationDefaults = z.infer<typeof generationSchema>;

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

const templateSchema = z.looseObject({ chat_template: z.string().optional() });

/** Everything that an Idefics3 folder says, and where its graphs are. */
export interface Idefics3Folder {
  readonly maxModelLen: number;
  readonly imageTokenId: number;
  readonly tokensPerTile: number;
  readonly eosTokenIds: readonly number[];
  readonly generation: GenerationDefaults;
  readonly preprocessor: z.infer<typeof preprocessorSchema>;
  readonly chatTemplate: string;
  readonly files: {
    readonly tokenizer: string;
    readonly tokenizerConfig: string;
    readonly embedTokens: string;
    readonly decoder: string;
    readonly vision: string;
  };
}

/** File suffixes of the precisions that exports come in. */
const suffixes = new Map([
  ['fp32', ''],
  ['fp16', '_fp16'],
  ['int8', '_int8'],
  ['uint8', '_uint8'],
  ['q8', '_quantized'],
  ['q4', '_q4'],
  ['q4f16', '_q4f16'],
  ['bnb4', '_bnb4'],
]);

type Config = z.infer<typeof configSchema>;

function graphFile(folder: string, config: Config, name: string): Promise<string> {
  const dtype = config['transformers.js_config']?.dtype;
  const precision = (typeof dtype === 'string' ? dtype : dtype?.[name]) ?? 'fp32';
  const suffix = suffixes.get(precision);
  if (suffix === undefined) {
    throw new Error(`${folder}/config.json: precision "${precision}" of ${name} is not known`);
  }
  return requireModelFile(folder, `onnx/${name}${suffix}.onnx`);
}

async function readChatTemplate(folder: string): Promise<string> {
  const inConfig = await readModelFile(folder, 'tokenizer_config.json', templateSchema);
  const inFile = await readOptionalModelFile(folder, 'chat_template.json', templateSchema, {});
  const template = inConfig.chat_template ?? inFile.chat_template;
  if (template === undefined) throw new Error(`${folder}/tokenizer_config.json: no chat_template`);
  return template;
}

const asList = (value: number | readonly number[] | null | undefined): readonly number[] =>
  value === null || value === undefined ? [] : [value].flat();

/** Reads a folder. Throws an `Error` that names the file and what is missing, wrong or not supported. */
export async function readIdefics3Folder(folder: string): Promise<Idefics3Folder> {
  const config = await readModelFile(folder, 'config.json', configSchema);
  const preprocessor = await readModelFile(folder, 'preprocessor_config.json', preprocessorSchema);
  const processor = await readModelFile(
    folder,
    'processor_config.json',
    z.looseObject({ image_seq_len: size }),
  );
  const generation = await readOptionalModelFile(folder, 'generation_config.json', generationSchema, {});
  const tileEdge = preprocessor.max_image_size.longest_edge;
  const tokensPerTile = idefics3TokensPerTile(tileEdge, config.vision_config.patch_size, config.scale_factor);
  if (processor.image_seq_len !== tokensPerTile) {
    throw new Error(
      `${folder}/processor_config.json: image_seq_len is ${processor.image_seq_len}, but tile, patch and scale give ${tokensPerTile}`,
    );
  }
  const eos = generation.eos_token_id ?? config.eos_token_id ?? config.text_config.eos_token_id;
  return {
    maxModelLen: config.text_config.max_position_embeddings,
    imageTokenId: config.image_token_id,
    tokensPerTile,
    eosTokenIds: asList(eos),
    generation,
    preprocessor,
    chatTemplate: await readChatTemplate(folder),
    files: {
      tokenizer: await requireModelFile(folder, 'tokenizer.json'),
      tokenizerConfig: await requireModelFile(folder, 'tokenizer_config.json'),
      embedTokens: await graphFile(folder, config, 'embed_tokens'),
      decoder: await graphFile(folder, config, 'decoder_model_merged'),
      vision: await graphFile(folder, config, 'vision_encoder'),
    },
  };
}
