import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { requireModelFile } from './model-folder.js';

/**
 * Precisions that exports come in, with the suffix of their files' names. The order is that in which they are taken when
 * nobody says which: the most exact first.
 */
const suffixes = new Map([
  ['fp32', ''],
  ['fp16', '_fp16'],
  ['q8', '_quantized'],
  ['int8', '_int8'],
  ['uint8', '_uint8'],
  ['q4', '_q4'],
  ['q4f16', '_q4f16'],
  ['bnb4', '_bnb4'],
]);

/** Every precision there is, the most exact first. */
export const precisions: readonly string[] = [...suffixes.keys()];

/** The part of `config.json` that names precisions: one for all graphs, or one for each. `auto` names none. */
export const precisionConfigSchema = z
  .looseObject({ dtype: z.union([z.string(), z.record(z.string(), z.string())]).optional() })
  .optional();
export type PrecisionConfig = z.infer<typeof precisionConfigSchema>;

export interface GraphChoice {
  /** `transformers.js_config` of the folder. */
  readonly config: PrecisionConfig;
  /** `SHIM_DTYPES`: the first that the folder has is taken. Empty: what the folder's configuration says. */
  readonly preferred: readonly string[];
}

function configured(folder: string, name: string, config: PrecisionConfig): string | undefined {
  const dtype = typeof config?.dtype === 'string' ? config.dtype : config?.dtype?.[name];
  if (dtype === undefined || dtype === 'auto') return undefined;
  if (suffixes.has(dtype)) return dtype;
  throw new Error(
    `${folder}/config.json: precision "${dtype}" of ${name} is not one of ${precisions.join(', ')}`,
  );
}

/**
 * The file of a graph in the precision to load: the first of the operator's list that is there, else the one that
 * `config.json` names, else the most exact one. Throws an `Error` that names the file that is missing and those there are.
 */
export async function requireGraph(folder: string, name: string, choice: GraphChoice): Promise<string> {
  const fromConfig = configured(folder, name, choice.config);
  const wanted =
    choice.preferred.length > 0 ? choice.preferred : fromConfig === undefined ? precisions : [fromConfig];
  const files = await readdir(join(folder, 'onnx')).catch((): string[] => []);
  const fileOf = (precision: string) => `${name}${suffixes.get(precision) ?? ''}.onnx`;
  const found = wanted.map(fileOf).find((file) => files.includes(file));
  if (found !== undefined) return requireModelFile(folder, `onnx/${found}`);
  const others = precisions.filter((precision) => files.includes(fileOf(precision)));
  const tried = wanted.length === precisions.length ? fileOf('fp32') : wanted.map(fileOf).join(' or ');
  const there = others.length > 0 ? `; there is ${others.join(', ')} (choose with SHIM_DTYPES)` : '';
  throw new Error(`${folder}/onnx/${tried}: the file is missing${there}`);
}
