import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readModelFile, readOptionalModelFile, requireModelFile } from '../model-folder.js';

const size = z.number().int().positive();
const ids = z.union([z.number().int(), z.array(z.number().int()).min(1)]);

/** What is read from the `config.json` of a decoder, or from the `text_config` in that of a larger model. */
export const decoderConfigSchema = z.looseObject({
  max_position_embeddings: size,
  eos_token_id: ids.nullish(),
  sliding_window: size.nullish(),
  use_sliding_window: z.boolean().nullish(),
  layer_types: z.array(z.string()).nullish(),
});
export type DecoderConfig = z.infer<typeof decoderConfigSchema>;

const generationSchema = z.looseObject({
  eos_token_id: ids.nullish(),
  temperature: z.number().nonnegative().nullish(),
  top_p: z.number().positive().max(1).nullish(),
  top_k: z.number().int().nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().positive().nullish(),
});
export type GenerationDefaults = z.infer<typeof generationSchema>;

const namedTemplates = z.array(z.looseObject({ name: z.string(), template: z.string() }));
const templateSchema = z.looseObject({ chat_template: z.union([z.string(), namedTemplates]).nullish() });

/** What the folder of every chat model says about its text. */
export interface LanguageFolder {
  readonly maxModelLen: number;
  readonly eosTokenIds: readonly number[];
  /** The file that says so. */
  readonly eosFile: string;
  readonly generation: GenerationDefaults;
  readonly chatTemplate: string;
  readonly tokenizerFile: string;
  readonly tokenizerConfigFile: string;
}

/**
 * Every token must see all tokens before it. Where layers forget, or keep something else than keys and values, the mask
 * and the cache of this server would give fluent nonsense.
 */
function assertFullAttention(folder: string, config: DecoderConfig): void {
  const other = config.layer_types?.find((type) => type !== 'full_attention');
  if (other !== undefined) {
    throw new Error(`${folder}/config.json: layer_types has "${other}", only full_attention is supported`);
  }
  const { sliding_window: window, use_sliding_window: isUsed, max_position_embeddings: context } = config;
  if (isUsed === false || window === null || window === undefined || window >= context) return;
  throw new Error(`${folder}/config.json: sliding_window is ${window}, only full attention is supported`);
}

const templateOf = ({ chat_template: template }: z.infer<typeof templateSchema>): string | undefined =>
  Array.isArray(template)
    ? template.find(({ name }) => name === 'default')?.template
    : (template ?? undefined);

/** A file of its own wins, as it does with transformers; older folders have it in a configuration. */
async function readChatTemplate(folder: string): Promise<string> {
  const own = await readFile(join(folder, 'chat_template.jinja'), 'utf8').catch(() => undefined);
  if (own !== undefined) return own;
  const inFile = templateOf(await readOptionalModelFile(folder, 'chat_template.json', templateSchema, {}));
  const template = inFile ?? templateOf(await readModelFile(folder, 'tokenizer_config.json', templateSchema));
  if (template === undefined) {
    throw new Error(`${folder}/tokenizer_config.json: no chat_template, and no file chat_template.jinja`);
  }
  return template;
}

/** Throws an `Error` when an end token has no logit: no answer would ever end. */
export function assertEosHasLogit(
  { eosTokenIds, eosFile }: Pick<LanguageFolder, 'eosTokenIds' | 'eosFile'>,
  vocabularySize: number,
): void {
  const unknown = eosTokenIds.find((id) => id < 0 || id >= vocabularySize);
  if (unknown === undefined) return;
  throw new Error(`${eosFile}: eos_token_id ${unknown} is not one of the graph's ${vocabularySize} tokens`);
}

/**
 * Reads what the folder says of its decoder and its prompts.
 *
 * @param outer `config.json`, where it holds `decoder` as its `text_config`
 * @throws Error that names the file and what is missing, wrong or not supported.
 */
export async function readLanguageFolder(
  folder: string,
  decoder: DecoderConfig,
  outer?: Pick<DecoderConfig, 'eos_token_id'>,
): Promise<LanguageFolder> {
  assertFullAttention(folder, decoder);
  const generation = await readOptionalModelFile(folder, 'generation_config.json', generationSchema, {});
  const isGenerations = generation.eos_token_id !== null && generation.eos_token_id !== undefined;
  const eos = generation.eos_token_id ?? outer?.eos_token_id ?? decoder.eos_token_id ?? [];
  return {
    maxModelLen: decoder.max_position_embeddings,
    eosTokenIds: [eos].flat(),
    eosFile: join(folder, isGenerations ? 'generation_config.json' : 'config.json'),
    generation,
    chatTemplate: await readChatTemplate(folder),
    tokenizerFile: await requireModelFile(folder, 'tokenizer.json'),
    tokenizerConfigFile: await requireModelFile(folder, 'tokenizer_config.json'),
  };
}
