import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeOnnx } from '../onnx/write-onnx.js';
import { type BertGraphOptions, type BertSizes, bertGraph } from './bert-graph.js';
import { bertTokens, wordPieces, wordPieceTokenizer } from './word-piece-tokenizer.js';

export interface EmbeddingFolderOptions extends Partial<BertGraphOptions> {
  /** `modules.json` and `1_Pooling/config.json` (`mean`); `none`: without these files. */
  readonly pooling?: 'mean' | 'cls' | 'none';
  /** A `Normalize` module behind the pooling (true). */
  readonly normalises?: boolean;
  /** More keys of `config.json`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface EmbeddingModelFolder {
  readonly folder: string;
  /** Floats of a vector. */
  readonly dimensions: number;
  readonly maxModelLen: number;
  readonly vocabularySize: number;
}

const tinyBert: BertSizes = {
  hiddenSize: 32,
  layers: 2,
  heads: 4,
  intermediateSize: 64,
  positions: 64,
  vocabularySize: wordPieces.length,
};

function bertConfig(sizes: BertSizes, isQuantised: boolean) {
  return {
    architectures: ['BertModel'],
    model_type: 'bert',
    hidden_act: 'gelu',
    hidden_size: sizes.hiddenSize,
    intermediate_size: sizes.intermediateSize,
    max_position_embeddings: sizes.positions,
    num_attention_heads: sizes.heads,
    num_hidden_layers: sizes.layers,
    pad_token_id: bertTokens.indexOf('[PAD]'),
    type_vocab_size: 2,
    vocab_size: sizes.vocabularySize,
    'transformers.js_config': { dtype: isQuantised ? 'q8' : 'fp32' },
  };
}

function poolingFiles(pooling: 'mean' | 'cls', normalises: boolean, hiddenSize: number) {
  const kinds = ['Transformer', 'Pooling', ...(normalises ? ['Normalize'] : [])];
  const modules = kinds.map((kind, idx) => ({
    idx,
    name: `${idx}`,
    path: idx === 0 ? '' : `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  }));
  return {
    'modules.json': modules,
    '1_Pooling/config.json': {
      word_embedding_dimension: hiddenSize,
      pooling_mode_cls_token: pooling === 'cls',
      pooling_mode_mean_tokens: pooling === 'mean',
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    },
  };
}

/** Writes a complete text encoder with random weights, in the layout of exports of sentence-transformers. */
export async function writeEmbeddingFolder(
  folder: string,
  options: EmbeddingFolderOptions = {},
): Promise<EmbeddingModelFolder> {
  const { sizes = tinyBert, pooling = 'mean', normalises = true, isQuantised = false } = options;
  const json = {
    'config.json': { ...bertConfig(sizes, isQuantised), ...options.config },
    'tokenizer.json': wordPieceTokenizer(),
    'tokenizer_config.json': {
      tokenizer_class: 'BertTokenizer',
      do_lower_case: true,
      model_max_length: sizes.positions,
    },
    ...(pooling !== 'none' && poolingFiles(pooling, normalises, sizes.hiddenSize)),
  };
  for (const [name, content] of Object.entries(json)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), JSON.stringify(content));
  }
  await mkdir(join(folder, 'onnx'), { recursive: true });
  const graph = bertGraph({
    seed: 1,
    takesTokenTypes: true,
    hasSentenceEmbedding: false,
    ...options,
    sizes,
    isQuantised,
  });
  await writeOnnx(join(folder, 'onnx', isQuantised ? 'model_quantized.onnx' : 'model.onnx'), graph);
  return {
    folder,
    dimensions: sizes.hiddenSize,
    maxModelLen: sizes.positions,
    vocabularySize: sizes.vocabularySize,
  };
}
