import { z } from 'zod';
import { readModelFile, readOptionalModelFile } from '../../model-folder.js';
import { precisionConfigSchema, requireGraph } from '../../model-folder-graphs.js';
import { type PoolingConfig, poolerConfigSchema, readPoolingConfig } from './pooling-config.js';

const size = z.number().int().positive();

const configSchema = z.looseObject({
  model_type: z.string(),
  vocab_size: size,
  max_position_embeddings: size,
  pad_token_id: z.number().int().nonnegative().nullish(),
  is_matryoshka: z.boolean().nullish(),
  matryoshka_dimensions: z.array(size).min(1).nullish(),
  pooler_config: poolerConfigSchema.optional(),
  'transformers.js_config': precisionConfigSchema,
});
type Config = z.infer<typeof configSchema>;

/** "No limit" is written as 10^30. */
const tokenizerConfigSchema = z.looseObject({
  model_max_length: z.number().positive().nullish(),
  truncation_side: z.enum(['left', 'right']).default('right'),
});

const sentenceSchema = z.looseObject({
  max_seq_length: size.nullish(),
  do_lower_case: z.boolean().nullish(),
});

/** Everything that an embedding folder says, and where its graph is. */
export interface EmbeddingFolder extends PoolingConfig {
  /** Tokens of one input, special tokens included. */
  readonly maxModelLen: number;
  readonly vocabularySize: number;
  readonly padTokenId: number;
  readonly lowerCase: boolean;
  /** The side that is cut off when a request asks for truncation and names none. */
  readonly truncationSide: 'left' | 'right';
  /** Lengths that vectors may be cut to: any, some, or none. */
  readonly matryoshka: 'any' | readonly number[];
  readonly graphFile: string;
}

/** These count positions from behind the padding token, so the first ones of the table are never used. */
const offsetTypes = ['roberta', 'xlm-roberta', 'camembert', 'mpnet'];

/** `model_type` of the architectures with one stack of encoder layers over absolute positions. */
export const bertTypes = ['bert', 'distilbert', 'electra', ...offsetTypes];

function maxPositions({ model_type, max_position_embeddings, pad_token_id }: Config): number {
  if (!offsetTypes.includes(model_type)) return max_position_embeddings;
  return max_position_embeddings - (pad_token_id ?? 1) - 1;
}

/**
 * Reads a folder. Throws an `Error` that names the file and what is missing, wrong or not supported.
 *
 * @param dtypes precisions to prefer, see `requireGraph`
 */
export async function readEmbeddingFolder(
  folder: string,
  dtypes: readonly string[],
): Promise<EmbeddingFolder> {
  const config = await readModelFile(folder, 'config.json', configSchema);
  const tokenizer = await readModelFile(folder, 'tokenizer_config.json', tokenizerConfigSchema);
  const sentence = await readOptionalModelFile(folder, 'sentence_bert_config.json', sentenceSchema, {});
  const lengths = [maxPositions(config), tokenizer.model_max_length, sentence.max_seq_length];
  return {
    ...(await readPoolingConfig(folder, config.pooler_config)),
    maxModelLen: Math.floor(Math.min(...lengths.filter((length) => length != null))),
    vocabularySize: config.vocab_size,
    padTokenId: config.pad_token_id ?? 0,
    lowerCase: sentence.do_lower_case === true,
    truncationSide: tokenizer.truncation_side,
    matryoshka: config.matryoshka_dimensions ?? (config.is_matryoshka === true ? 'any' : []),
    graphFile: await requireGraph(folder, 'model', {
      config: config['transformers.js_config'],
      preferred: dtypes,
    }),
  };
}
