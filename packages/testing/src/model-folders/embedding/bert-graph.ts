import { DecoderWeights } from '../decoder/decoder-weights.js';
import { OnnxGraph } from '../onnx/onnx-graph.js';
import { elementTypes, floatWeight, randomBytesWeight, seedOf } from '../onnx/weight.js';

export interface BertSizes {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly positions: number;
  readonly vocabularySize: number;
}

export interface BertGraphOptions {
  readonly sizes: BertSizes;
  readonly seed: number;
  /** As ONNX Runtime's `quantize_dynamic`: activations to bytes by the range of the whole batch. */
  readonly isQuantised: boolean;
  readonly takesTokenTypes: boolean;
  /** `sentence_embedding`, the mean over the mask at length 1, beside the tokens' vectors. */
  readonly hasSentenceEmbedding: boolean;
}

/** Large enough to silence a token, small enough for float32. */
const MASKED = 1e9;

/** Builds an encoder as PyTorch exports it: plain operators, normalisation behind each half of a layer. */
class BertBuilder {
  readonly graph = new OnnxGraph('model');
  private readonly weights: DecoderWeights;

  constructor(private readonly options: BertGraphOptions) {
    this.weights = new DecoderWeights(this.graph, options.seed, 'fp32');
  }

  embeddings(): string {
    const { graph, weights } = this;
    const { hiddenSize: hidden, positions, vocabularySize } = this.options.sizes;
    const word = graph.add('Gather', [weights.table('word', [vocabularySize, hidden], 1), 'input_ids']);
    const length = graph.add('Gather', [graph.add('Shape', ['input_ids']), graph.integer(1)]);
    const places = graph.add('Range', [graph.integer(0), length, graph.integer(1)]);
    const place = graph.add('Gather', [weights.table('position', [positions, hidden], 0.5), places]);
    let sum = graph.add('Add', [word, place]);
    if (this.options.takesTokenTypes) {
      const type = graph.add('Gather', [weights.table('type', [2, hidden], 0.5), 'token_type_ids']);
      sum = graph.add('Add', [sum, type]);
    }
    return this.layerNorm('embeddings', sum);
  }

  /** `[batch, length]` of ones and zeros to `[batch, 1, 1, length]` of zeros and large negatives. */
  maskBias(): string {
    const { graph } = this;
    const mask = graph.add('Cast', ['attention_mask'], { attributes: { to: elementTypes.float32 } });
    const wide = graph.add('Unsqueeze', [mask, graph.integers(1, 2)]);
    return graph.add('Mul', [graph.add('Sub', [wide, graph.float(1)]), graph.float(MASKED)]);
  }

  layer(at: number, x: string, bias: string): string {
    const { hiddenSize: hidden, intermediateSize: inner } = this.options.sizes;
    const name = (part: string) => `${at}.${part}`;
    const attended = this.linear(name('output'), this.attention(at, x, bias), hidden, hidden);
    const middle = this.layerNorm(name('norm1'), this.graph.add('Add', [x, attended]));
    const active = this.gelu(this.linear(name('up'), middle, hidden, inner));
    const down = this.linear(name('down'), active, inner, hidden);
    return this.layerNorm(name('norm2'), this.graph.add('Add', [middle, down]));
  }

  /** Mean of the tokens that the mask keeps, scaled to length 1. */
  meanOverMask(x: string): string {
    const { graph } = this;
    const mask = graph.add('Cast', ['attention_mask'], { attributes: { to: elementTypes.float32 } });
    const kept = graph.add('Mul', [x, graph.add('Unsqueeze', [mask, graph.integers(2)])]);
    const sum = graph.add('ReduceSum', [kept, graph.integers(1)], { attributes: { keepdims: 0 } });
    const count = graph.add('ReduceSum', [mask, graph.integers(1)], { attributes: { keepdims: 1 } });
    const mean = graph.add('Div', [sum, count]);
    const length = graph.add('ReduceL2', [mean], { attributes: { axes: [1], keepdims: 1 } });
    return graph.add('Div', [mean, length]);
  }

  private attention(at: number, x: string, bias: string): string {
    const { graph } = this;
    const { hiddenSize: hidden, heads } = this.options.sizes;
    const size = hidden / heads;
    const split = (part: string, perm: number[]) => {
      const flat = this.linear(`${at}.${part}`, x, hidden, hidden);
      const parted = graph.add('Reshape', [flat, graph.integers(0, 0, heads, size)]);
      return graph.add('Transpose', [parted], { attributes: { perm } });
    };
    const scores = graph.add('MatMul', [split('query', [0, 2, 1, 3]), split('key', [0, 2, 3, 1])]);
    const scaled = graph.add('Mul', [scores, graph.float(1 / Math.sqrt(size))]);
    const chances = graph.add('Softmax', [graph.add('Add', [scaled, bias])], { attributes: { axis: -1 } });
    const mixed = graph.add('MatMul', [chances, split('value', [0, 2, 1, 3])]);
    const joined = graph.add('Transpose', [mixed], { attributes: { perm: [0, 2, 1, 3] } });
    return graph.add('Reshape', [joined, graph.integers(0, 0, hidden)]);
  }

  private gelu(x: string): string {
    const { graph } = this;
    const erf = graph.add('Erf', [graph.add('Div', [x, graph.float(Math.SQRT2)])]);
    const half = graph.add('Mul', [x, graph.float(0.5)]);
    return graph.add('Mul', [half, graph.add('Add', [erf, graph.float(1)])]);
  }

  private layerNorm(name: string, x: string): string {
    const { hiddenSize } = this.options.sizes;
    const ones = this.graph.weight(`${name}.weight`, floatWeight(new Float32Array(hiddenSize).fill(1)));
    const zeros = this.graph.weight(`${name}.bias`, floatWeight(new Float32Array(hiddenSize)));
    return this.graph.add('LayerNormalization', [x, ones, zeros], { attributes: { axis: -1 } });
  }

  private linear(name: string, x: string, from: number, to: number): string {
    if (!this.options.isQuantised) return this.weights.linear(name, x, from, to);
    const { graph } = this;
    const outputs = ['bytes', 'scale', 'zero'].map((part) => `${name}.${part}`);
    graph.add('DynamicQuantizeLinear', [x], { outputs });
    const [bytes = '', scale = '', zero = ''] = outputs;
    const weight = graph.weight(name, randomBytesWeight(seedOf(`${this.options.seed}/${name}`), [from, to]));
    const middle = graph.weight(`${name}.middle`, { type: 'uint8', dims: [], data: Uint8Array.of(128) });
    const product = graph.add('MatMulInteger', [bytes, weight, zero, middle]);
    const floats = graph.add('Cast', [product], { attributes: { to: elementTypes.float32 } });
    // Evenly distributed bytes have a deviation of 74.
    const step = graph.float(1 / (74 * Math.sqrt(from)));
    return graph.add('Mul', [floats, graph.add('Mul', [scale, step])]);
  }
}

/** `model.onnx` with random weights, in the layout of exports of BERT. */
export function bertGraph(options: BertGraphOptions): OnnxGraph {
  const builder = new BertBuilder(options);
  const { graph } = builder;
  const { hiddenSize, layers } = options.sizes;
  const shape = ['batch_size', 'sequence_length'];
  graph.input('input_ids', 'int64', shape);
  graph.input('attention_mask', 'int64', shape);
  if (options.takesTokenTypes) graph.input('token_type_ids', 'int64', shape);
  let x = builder.embeddings();
  const bias = builder.maskBias();
  for (let at = 0; at < layers; at += 1) x = builder.layer(at, x, bias);
  graph.add('Identity', [x], { outputs: ['last_hidden_state'] });
  graph.output('last_hidden_state', 'float32', [...shape, hiddenSize]);
  if (options.hasSentenceEmbedding) {
    graph.add('Identity', [builder.meanOverMask(x)], { outputs: ['sentence_embedding'] });
    graph.output('sentence_embedding', 'float32', ['batch_size', hiddenSize]);
  }
  return graph;
}
