import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DecoderGraphOptions } from './decoder/decoder-graph.js';
import { type DecoderSizes, tinyDecoder } from './decoder/decoder-sizes.js';
import { type Dtype, dtypeSuffixes } from './decoder/decoder-weights.js';
import type { OnnxGraph } from './onnx/onnx-graph.js';
import { writeOnnx } from './onnx/write-onnx.js';

/** What the folders of all families have in common. */
export interface ModelFolderOptions {
  /** Other weights for another seed (1). */
  readonly seed?: number;
  /** How attention and its cache are written (`gqa`). */
  readonly attention?: 'plain' | 'gqa';
  /** Precision of the weights, and suffix of the files (`fp32`). */
  readonly dtype?: Dtype;
  /** Type of the cache; `float16` with `dtype: 'fp16'`, else `float32`. */
  readonly cacheType?: 'float32' | 'float16';
  readonly hasExternalData?: boolean;
  readonly takesLogitsToKeep?: boolean;
  readonly decoder?: DecoderSizes;
}

/** The options of the decoder's graph, with their defaults. */
export function decoderOptions(options: ModelFolderOptions): DecoderGraphOptions {
  const { seed = 1, attention = 'gqa', dtype = 'fp32', takesLogitsToKeep = false } = options;
  const cacheType = options.cacheType ?? (dtype === 'fp16' ? 'float16' : 'float32');
  return { sizes: options.decoder ?? tinyDecoder, seed, attention, dtype, cacheType, takesLogitsToKeep };
}

/** What a test needs to know of a folder it made. */
export interface ModelFolder {
  readonly folder: string;
  readonly vocabularySize: number;
  readonly maxModelLen: number;
  readonly eosTokenId: number;
}

/** Keys of `config.json` (or its `text_config`) for a Llama decoder. */
export function llamaConfig(sizes: DecoderSizes) {
  return {
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: sizes.hiddenSize,
    intermediate_size: sizes.intermediateSize,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.kvHeads,
    head_dim: sizes.headSize,
    max_position_embeddings: sizes.contextTokens,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    tie_word_embeddings: false,
    vocab_size: sizes.vocabularySize,
  };
}

/** Writes `{ 'config.json': {…} }` and `onnx/<name><suffix>.onnx` for every graph. */
export async function writeFiles(
  folder: string,
  json: Readonly<Record<string, object>>,
  graphs: readonly OnnxGraph[],
  { dtype = 'fp32', hasExternalData = false }: ModelFolderOptions,
): Promise<void> {
  await mkdir(join(folder, 'onnx'), { recursive: true });
  for (const [name, content] of Object.entries(json)) {
    await writeFile(join(folder, name), `${JSON.stringify(content, undefined, 1)}\n`);
  }
  for (const graph of graphs) {
    const file = join(folder, 'onnx', `${graph.name}${dtypeSuffixes[dtype]}.onnx`);
    await writeOnnx(file, graph, hasExternalData);
  }
}

/** `transformers.js_config`: which precision to load, and that of the cache where it is not that of the graph. */
export function runtimeConfig({ dtype, cacheType }: Pick<DecoderGraphOptions, 'dtype' | 'cacheType'>) {
  return {
    'transformers.js_config': {
      dtype,
      ...(cacheType === 'float16' && { kv_cache_dtype: { [dtype]: cacheType } }),
    },
  };
}
