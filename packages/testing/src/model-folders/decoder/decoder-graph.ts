import { OnnxGraph } from '../onnx/onnx-graph.js';
import type { Attention } from './attention.js';
import type { DecoderSizes } from './decoder-sizes.js';
import { DecoderWeights, type Dtype } from './decoder-weights.js';
import { GqaAttention } from './gqa-attention.js';
import { PlainAttention } from './plain-attention.js';

export interface DecoderGraphOptions {
  readonly sizes: DecoderSizes;
  readonly seed: number;
  readonly dtype: Dtype;
  /** Standard operators with a `Concat` cache, or ONNX Runtime's GroupQueryAttention. */
  readonly attention: 'plain' | 'gqa';
  /** Type of keys and values in the cache. */
  readonly cacheType: 'float32' | 'float16';
  /** True: the graph takes `num_logits_to_keep` and gives logits of only so many last tokens (0: of all). */
  readonly takesLogitsToKeep: boolean;
}

/**
 * The last matrix is three times as large as the others: two logits are then almost never as close as the rounding of
 * another order of sums, and greedy answers are stable. Small tied heads would repeat one token for ever.
 */
const HEAD_GAIN = 3;

/** `input_ids [batch, tokens]` to `[batch, tokens, hiddenSize]`. */
function addEmbedding(
  graph: OnnxGraph,
  weights: DecoderWeights,
  sizes: DecoderSizes,
  outputs?: string[],
): string {
  const table = weights.table('embed_tokens', [sizes.vocabularySize, sizes.hiddenSize], 1);
  return graph.add('Gather', [table, 'input_ids'], outputs === undefined ? {} : { outputs });
}

/** `embed_tokens.onnx`: token ids to embeddings. */
export function embedTokensGraph({ sizes, seed, dtype }: DecoderGraphOptions): OnnxGraph {
  const graph = new OnnxGraph('embed_tokens');
  graph.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  addEmbedding(graph, new DecoderWeights(graph, seed, dtype), sizes, ['inputs_embeds']);
  graph.output('inputs_embeds', 'float32', ['batch_size', 'sequence_length', sizes.hiddenSize]);
  return graph;
}

/**
 * A Llama decoder with random weights in the merged layout, whose first call gets an empty cache. From `input_ids` it
 * is what exports name `model.onnx`, from `inputs_embeds` it is `decoder_model_merged.onnx`.
 */
export function decoderGraph(options: DecoderGraphOptions, from: 'input_ids' | 'inputs_embeds'): OnnxGraph {
  const { sizes, seed, dtype, attention: kind, cacheType } = options;
  const graph = new OnnxGraph(from === 'input_ids' ? 'model' : 'decoder_model_merged');
  const weights = new DecoderWeights(graph, seed, dtype);
  addInputs(graph, options, from);
  let x = from === 'input_ids' ? addEmbedding(graph, weights, sizes) : from;
  const attention: Attention =
    kind === 'gqa'
      ? new GqaAttention(graph, sizes, cacheType)
      : new PlainAttention(graph, sizes, cacheType, x);
  for (let layer = 0; layer < sizes.layers; layer += 1)
    x = addLayer(graph, weights, sizes, attention, layer, x);
  if (options.takesLogitsToKeep) x = addLastTokens(graph, x);
  const normal = weights.rmsNorm('norm', x, sizes.hiddenSize);
  const logits = weights.linear('lm_head', normal, sizes.hiddenSize, sizes.vocabularySize, HEAD_GAIN);
  graph.add('Identity', [logits], { outputs: ['logits'] });
  const tokens = options.takesLogitsToKeep ? 'num_logits_to_keep' : 'sequence_length';
  graph.output('logits', 'float32', ['batch_size', tokens, sizes.vocabularySize]);
  forEachCache(sizes, 'present', 'total_sequence_length', (name, shape) =>
    graph.output(name, cacheType, shape),
  );
  return graph;
}

function addInputs(graph: OnnxGraph, { sizes, ...options }: DecoderGraphOptions, from: string): void {
  const tokens = ['batch_size', 'sequence_length'];
  if (from === 'input_ids') graph.input(from, 'int64', tokens);
  else graph.input(from, 'float32', [...tokens, sizes.hiddenSize]);
  graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  graph.input('position_ids', 'int64', tokens);
  if (options.takesLogitsToKeep) graph.input('num_logits_to_keep', 'int64', []);
  forEachCache(sizes, 'past_key_values', 'past_sequence_length', (name, shape) =>
    graph.input(name, options.cacheType, shape),
  );
}

function forEachCache(
  sizes: DecoderSizes,
  name: string,
  length: string,
  each: (name: string, shape: (number | string)[]) => void,
): void {
  for (let layer = 0; layer < sizes.layers; layer += 1) {
    for (const kind of ['key', 'value']) {
      each(`${name}.${layer}.${kind}`, ['batch_size', sizes.kvHeads, length, sizes.headSize]);
    }
  }
}

function addLayer(
  graph: OnnxGraph,
  weights: DecoderWeights,
  sizes: DecoderSizes,
  attention: Attention,
  at: number,
  x: string,
): string {
  const { hiddenSize, intermediateSize } = sizes;
  const name = (part: string) => `layers.${at}.${part}`;
  const before = weights.rmsNorm(name('input_layernorm'), x, hiddenSize);
  const kvSize = sizes.kvHeads * sizes.headSize;
  const querySize = sizes.heads * sizes.headSize;
  const attended = attention.layer(at, {
    query: weights.linear(name('q_proj'), before, hiddenSize, querySize),
    key: weights.linear(name('k_proj'), before, hiddenSize, kvSize),
    value: weights.linear(name('v_proj'), before, hiddenSize, kvSize),
  });
  const middle = graph.add('Add', [x, weights.linear(name('o_proj'), attended, querySize, hiddenSize)]);
  const after = weights.rmsNorm(name('post_attention_layernorm'), middle, hiddenSize);
  const gate = weights.linear(name('gate_proj'), after, hiddenSize, intermediateSize);
  const silu = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])]);
  const gated = graph.add('Mul', [
    silu,
    weights.linear(name('up_proj'), after, hiddenSize, intermediateSize),
  ]);
  return graph.add('Add', [middle, weights.linear(name('down_proj'), gated, intermediateSize, hiddenSize)]);
}

const LARGEST_INT64 = Number.MAX_SAFE_INTEGER;

function addLastTokens(graph: OnnxGraph, x: string): string {
  const from = graph.add('Reshape', [graph.add('Neg', ['num_logits_to_keep']), graph.integers(1)]);
  return graph.add('Slice', [x, from, graph.integers(LARGEST_INT64), graph.integers(1)]);
}
