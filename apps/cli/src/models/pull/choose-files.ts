import { exitCodes, Failure } from '../../failure.js';

/** A file as the hub lists it. */
export interface HubFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly digest: { readonly kind: 'sha256' | 'git'; readonly hex: string };
}

/** Endings of graph files, by precision. */
export const precisionSuffixes = new Map([
  ['fp32', ''],
  ['fp16', '_fp16'],
  ['q8', '_quantized'],
  ['int8', '_int8'],
  ['uint8', '_uint8'],
  ['q4', '_q4'],
  ['q4f16', '_q4f16'],
  ['bnb4', '_bnb4'],
]);

/** What a model needs beside its graphs, and what its authors want to be read. Nothing that runs. */
const texts = new Set([
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'sentence_bert_config.json',
  'modules.json',
  '1_Pooling/config.json',
  'README.md',
  'LICENSE',
  'LICENSE.md',
  'LICENSE.txt',
]);

/** The graphs that `gpu-worker-shim` loads; exports hold others, for other runtimes. */
const graphs = ['model', 'embed_tokens', 'vision_encoder', 'encoder_model', 'decoder_model_merged'];

/** Is it the graph in that precision, or a part of its weights (`….onnx_data`, `….onnx_data_1`)? */
function isGraph(path: string, suffix: string): boolean {
  const file = graphs.map((graph) => `onnx/${graph}${suffix}.onnx`).find((name) => path.startsWith(name));
  return file !== undefined && /^(_data(_\d+)?)?$/.test(path.slice(file.length));
}

/**
 * The files to fetch, from a list of names that are allowed: whatever else a repository holds stays there.
 *
 * @throws Failure when there is no model in the precisions asked for; it names those there are.
 */
export function chooseFiles(files: readonly HubFile[], precisions: readonly string[]): HubFile[] {
  const suffixes = precisions.map((precision) => precisionSuffixes.get(precision) ?? '');
  const chosen = files.filter(
    ({ path }) => texts.has(path) || suffixes.some((suffix) => isGraph(path, suffix)),
  );
  if (!chosen.some(({ path }) => path === 'config.json')) {
    throw new Failure(exitCodes.usage, 'There is no config.json in it: this is no model folder.');
  }
  if (chosen.some(({ path }) => path.endsWith('.onnx'))) return chosen;
  const there = [...precisionSuffixes]
    .filter(([, suffix]) => files.some(({ path }) => isGraph(path, suffix)))
    .map(([precision]) => precision);
  throw new Failure(
    exitCodes.usage,
    there.length === 0
      ? 'There are no graphs in it that can be served (onnx/*.onnx).'
      : `There is no ${precisions.join(' or ')} in it, but ${there.join(', ')}: choose with --dtype.`,
  );
}
