import type { OnnxGraph } from '../onnx/onnx-graph.js';
import { floatWeight, randomWeight, seedOf } from '../onnx/weight.js';
import type { WhisperSizes } from './whisper-sizes.js';

/**
 * Adds layers to one graph, with weights in another (or the same) one: the branches of a merged decoder share the weights
 * of the graph around them.
 */
export class WhisperLayers {
  constructor(
    readonly graph: OnnxGraph,
    private readonly weights: OnnxGraph,
    readonly sizes: WhisperSizes,
    private readonly seed: number,
  ) {}

  table(name: string, dims: readonly number[], deviation: number): string {
    return this.weights.weight(name, randomWeight(seedOf(`${this.seed}/${name}`), dims, deviation));
  }

  linear(name: string, x: string, from: number, to: number, gain = 1): string {
    return this.graph.add('MatMul', [x, this.table(name, [from, to], gain / Math.sqrt(from))]);
  }

  layerNorm(name: string, x: string): string {
    const { hiddenSize } = this.sizes;
    const ones = this.weights.weight(`${name}.weight`, floatWeight(new Float32Array(hiddenSize).fill(1)));
    const zeros = this.weights.weight(`${name}.bias`, floatWeight(new Float32Array(hiddenSize)));
    return this.graph.add('LayerNormalization', [x, ones, zeros], { attributes: { axis: -1 } });
  }

  gelu(x: string): string {
    const { graph } = this;
    const erf = graph.add('Erf', [graph.add('Div', [x, graph.float(Math.SQRT2)])]);
    const half = graph.add('Mul', [x, graph.float(0.5)]);
    return graph.add('Mul', [half, graph.add('Add', [erf, graph.float(1)])]);
  }

  /** `[batch, length, hidden]` projected and split to `[batch, heads, length, headSize]`. */
  heads(name: string, x: string): string {
    const { hiddenSize, heads } = this.sizes;
    const flat = this.linear(name, x, hiddenSize, hiddenSize);
    const shape = this.graph.integers(0, 0, heads, hiddenSize / heads);
    const parted = this.graph.add('Reshape', [flat, shape]);
    return this.graph.add('Transpose', [parted], { attributes: { perm: [0, 2, 1, 3] } });
  }

  /** Attention of split queries to split keys and values, joined and projected. */
  attend(name: string, query: string, key: string, value: string, bias?: string): string {
    const { graph } = this;
    const { hiddenSize, heads } = this.sizes;
    const turned = graph.add('Transpose', [key], { attributes: { perm: [0, 1, 3, 2] } });
    const raw = graph.add('MatMul', [query, turned]);
    const scores = graph.add('Mul', [raw, graph.float(1 / Math.sqrt(hiddenSize / heads))]);
    const masked = bias === undefined ? scores : graph.add('Add', [scores, bias]);
    const chances = graph.add('Softmax', [masked], { attributes: { axis: -1 } });
    const mixed = graph.add('MatMul', [chances, value]);
    const joined = graph.add('Transpose', [mixed], { attributes: { perm: [0, 2, 1, 3] } });
    const flat = graph.add('Reshape', [joined, graph.integers(0, 0, hiddenSize)]);
    return this.linear(`${name}.out`, flat, hiddenSize, hiddenSize, 2);
  }

  /** The second half of every layer. */
  feedForward(name: string, x: string): string {
    const { hiddenSize, intermediateSize } = this.sizes;
    const before = this.layerNorm(`${name}.norm`, x);
    const active = this.gelu(this.linear(`${name}.up`, before, hiddenSize, intermediateSize));
    return this.graph.add('Add', [x, this.linear(`${name}.down`, active, intermediateSize, hiddenSize)]);
  }
}
