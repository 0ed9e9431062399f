import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readModelFile } from '../../model-folder.js';

/** How the vectors of a text's tokens become one. */
export interface PoolingConfig {
  readonly pooling: 'mean' | 'cls';
  /** Scale to length 1. */
  readonly normalise: boolean;
}

/** As sentence-transformers writes it; each mode is a switch of its own. */
const poolingSchema = z.looseObject({
  pooling_mode_cls_token: z.boolean().default(false),
  pooling_mode_mean_tokens: z.boolean().default(false),
});

/** `modules.json` of sentence-transformers: what runs after what. */
const modulesSchema = z.array(z.looseObject({ path: z.string(), type: z.string() }));

/** vLLM's names, for folders without sentence-transformers' files. */
export const poolerConfigSchema = z.looseObject({
  pooling_type: z.enum(['MEAN', 'CLS']),
  normalize: z.boolean().default(true),
});

const known = ['Transformer', 'Pooling', 'Normalize'];

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

async function readMode(folder: string, name: string): Promise<PoolingConfig['pooling']> {
  const config = await readModelFile(folder, name, poolingSchema);
  const modes = Object.entries(config).flatMap(([key, value]) =>
    key.startsWith('pooling_mode_') && value === true ? [key] : [],
  );
  if (modes.length === 1 && config.pooling_mode_mean_tokens) return 'mean';
  if (modes.length === 1 && config.pooling_mode_cls_token) return 'cls';
  throw new Error(
    `${join(folder, name)}: ${modes.join(' with ') || 'no pooling mode'} is not supported; one of pooling_mode_mean_tokens and pooling_mode_cls_token is`,
  );
}

/**
 * Reads `modules.json` with the files it names, else `1_Pooling/config.json`, else `pooler_config` of `config.json`.
 * Nothing is guessed: vectors of another pooling look right and are wrong. Throws an `Error` with the file and reason.
 */
export async function readPoolingConfig(
  folder: string,
  poolerConfig: z.infer<typeof poolerConfigSchema> | undefined,
): Promise<PoolingConfig> {
  if (await isThere(join(folder, 'modules.json'))) return readModules(folder);
  if (await isThere(join(folder, '1_Pooling', 'config.json'))) {
    return { pooling: await readMode(folder, '1_Pooling/config.json'), normalise: true };
  }
  if (poolerConfig !== undefined) {
    return {
      pooling: poolerConfig.pooling_type === 'MEAN' ? 'mean' : 'cls',
      normalise: poolerConfig.normalize,
    };
  }
  throw new Error(
    `${join(folder, 'modules.json')}: the file is missing, and so are 1_Pooling/config.json and "pooler_config" in config.json; one of them must tell the pooling`,
  );
}

async function readModules(folder: string): Promise<PoolingConfig> {
  const modules = await readModelFile(folder, 'modules.json', modulesSchema);
  const kinds = modules.map(({ type }) => type.split('.').at(-1) ?? '');
  const odd = modules.find((_module, at) => !known.includes(kinds[at] ?? ''));
  if (odd !== undefined) throw new Error(`${join(folder, 'modules.json')}: "${odd.type}" is not supported`);
  const pooling = modules[kinds.indexOf('Pooling')];
  if (pooling === undefined) throw new Error(`${join(folder, 'modules.json')}: there is no Pooling module`);
  return {
    pooling: await readMode(folder, `${pooling.path}/config.json`),
    normalise: kinds.includes('Normalize'),
  };
}
