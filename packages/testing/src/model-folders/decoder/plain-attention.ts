import type { OnnxGraph } from '../onnx/onnx-graph.js';
import { elementTypes, floatWeight } from '../onnx/weight.js';
import type { Attention, Projections } from './attention.js';
import type { DecoderSizes } from './decoder-sizes.js';
import { ropeTables } from './decoder-weights.js';

const LOWEST_FLOAT = -3.4028234663852886e38;

/**
 * Attention of standard operators, as the exporters of Hugging Face's optimum write it: rotary embeddings by
 * `position_ids`, a cache that grows by `Concat`, and a mask that is causal by index.
 */
export class PlainAttention implements Attention {
  private readonly cos: string;
  private readonly sin: string;
  private readonly mask: string;

  constructor(
    private readonly graph: OnnxGraph,
    private readonly sizes: DecoderSizes,
    private readonly cacheType: 'float32' | 'float16',
    /** A value of shape `[batch, tokens, …]`. */
    embeddings: string,
  ) {
    const tables = ropeTables(sizes.contextTokens, sizes.headSize);
    this.cos = this.ropeOf('cos', tables.cos);
    this.sin = this.ropeOf('sin', tables.sin);
    this.mask = this.addMask(embeddings);
  }

  layer(at: number, projections: Projections): string {
    const { graph, sizes } = this;
    const query = this.rotate(this.toHeads(projections.query, sizes.heads));
    const key = this.rotate(this.toHeads(projections.key, sizes.kvHeads));
    const keys = this.append(at, 'key', key);
    const values = this.append(at, 'value', this.toHeads(projections.value, sizes.kvHeads));
    const turned = graph.add('Transpose', [keys], { attributes: { perm: [0, 1, 3, 2] } });
    const scores = graph.add('Mul', [
      graph.add('MatMul', [query, turned]),
      graph.float(1 / Math.sqrt(sizes.headSize)),
    ]);
    const weights = graph.add('Softmax', [graph.add('Add', [scores, this.mask])], {
      attributes: { axis: -1 },
    });
    const attended = graph.add('MatMul', [weights, values]);
    const rows = graph.add('Transpose', [attended], { attributes: { perm: [0, 2, 1, 3] } });
    return graph.add('Reshape', [rows, graph.integers(0, 0, sizes.heads * sizes.headSize)]);
  }

  /** `[batch, 1, tokens, headSize]`: both halves of a head turn by the same angles. */
  private ropeOf(name: string, half: Float32Array): string {
    const { graph, sizes } = this;
    const table = graph.weight(`${name}_cache`, floatWeight(half, [sizes.contextTokens, sizes.headSize / 2]));
    const ofRow = graph.add('Gather', [table, 'position_ids']);
    const whole = graph.add('Concat', [ofRow, ofRow], { attributes: { axis: -1 } });
    return graph.add('Unsqueeze', [whole, graph.integers(1)]);
  }

  private toHeads(x: string, heads: number): string {
    const split = this.graph.add('Reshape', [x, this.graph.integers(0, 0, heads, this.sizes.headSize)]);
    return this.graph.add('Transpose', [split], { attributes: { perm: [0, 2, 1, 3] } });
  }

  private rotate(x: string): string {
    const { graph } = this;
    const half = this.sizes.headSize / 2;
    const slice = (from: number, to: number) =>
      graph.add('Slice', [x, graph.integers(from), graph.integers(to), graph.integers(-1)]);
    const negative = graph.add('Neg', [slice(half, this.sizes.headSize)]);
    const turned = graph.add('Concat', [negative, slice(0, half)], { attributes: { axis: -1 } });
    return graph.add('Add', [graph.add('Mul', [x, this.cos]), graph.add('Mul', [turned, this.sin])]);
  }

  /** Appends to the cache and gives each query head its keys: `[batch, heads, all tokens, headSize]`. */
  private append(at: number, kind: 'key' | 'value', x: string): string {
    const { graph, sizes, cacheType } = this;
    const cast = (name: string, to: 'float32' | 'float16') =>
      cacheType === 'float32' ? name : graph.add('Cast', [name], { attributes: { to: elementTypes[to] } });
    const present = graph.add('Concat', [`past_key_values.${at}.${kind}`, cast(x, cacheType)], {
      outputs: [`present.${at}.${kind}`],
      attributes: { axis: 2 },
    });
    const groups = sizes.heads / sizes.kvHeads;
    const apart = graph.add('Unsqueeze', [cast(present, 'float32'), graph.integers(2)]);
    const repeated = graph.add('Expand', [apart, graph.integers(1, 1, groups, 1, 1)]);
    return graph.add('Reshape', [repeated, graph.integers(0, sizes.heads, -1, sizes.headSize)]);
  }

  /** `[batch, 1, tokens, all tokens]`, 0 where a token may look, else the lowest float. */
  private addMask(embeddings: string): string {
    const { graph } = this;
    const sizeOf = (value: string, axis: number) =>
      graph.add('Gather', [graph.add('Shape', [value]), graph.integer(axis)]);
    const total = sizeOf('attention_mask', 1);
    const past = graph.add('Sub', [total, sizeOf(embeddings, 1)]);
    const keys = graph.add('Range', [graph.integer(0), total, graph.integer(1)]);
    const queries = graph.add('Range', [past, total, graph.integer(1)]);
    const isBefore = graph.add('LessOrEqual', [keys, graph.add('Unsqueeze', [queries, graph.integers(1)])]);
    const isToken = graph.add('Cast', ['attention_mask'], { attributes: { to: elementTypes.bool } });
    const isSeen = graph.add('And', [isBefore, graph.add('Unsqueeze', [isToken, graph.integers(1, 2)])]);
    return graph.add('Where', [isSeen, graph.float(0), graph.float(LOWEST_FLOAT)]);
  }
}
