import type { OnnxGraph } from '../onnx/onnx-graph.js';
import { elementTypes, floatWeight } from '../onnx/weight.js';
import type { Attention, Projections } from './attention.js';
import type { DecoderSizes } from './decoder-sizes.js';
import { ropeTables } from './decoder-weights.js';

/**
 * Attention by ONNX Runtime's `com.microsoft.GroupQueryAttention`, as newer exports have it. Each row's length is the
 * sum of its mask; rotary embeddings are done by the operator.
 */
export class GqaAttention implements Attention {
  private readonly lengths: readonly [string, string];
  private readonly tables: readonly [string, string];

  constructor(
    private readonly graph: OnnxGraph,
    private readonly sizes: DecoderSizes,
    private readonly cacheType: 'float32' | 'float16',
  ) {
    const sum = graph.add('ReduceSum', ['attention_mask', graph.integers(1)], {
      attributes: { keepdims: 0 },
    });
    const total = graph.add('Gather', [graph.add('Shape', ['attention_mask']), graph.integer(1)]);
    this.lengths = [this.cast(graph.add('Sub', [sum, graph.integer(1)]), 'int32'), this.cast(total, 'int32')];
    const { cos, sin } = ropeTables(sizes.contextTokens, sizes.headSize);
    const dims = [sizes.contextTokens, sizes.headSize / 2];
    this.tables = [
      graph.weight('cos_cache', floatWeight(cos, dims, cacheType)),
      graph.weight('sin_cache', floatWeight(sin, dims, cacheType)),
    ];
  }

  layer(at: number, { query, key, value }: Projections): string {
    const projections = [query, key, value].map((one) => this.cast(one, this.cacheType, 'float32'));
    const past = [`past_key_values.${at}.key`, `past_key_values.${at}.value`];
    const attended = this.graph.add(
      'GroupQueryAttention',
      [...projections, ...past, ...this.lengths, ...this.tables],
      {
        outputs: [`attention.${at}`, `present.${at}.key`, `present.${at}.value`],
        domain: 'com.microsoft',
        attributes: { num_heads: this.sizes.heads, kv_num_heads: this.sizes.kvHeads, do_rotary: 1 },
      },
    );
    return this.cast(attended, 'float32', this.cacheType);
  }

  private cast(name: string, to: 'int32' | 'float32' | 'float16', from?: 'float32' | 'float16'): string {
    return to === from ? name : this.graph.add('Cast', [name], { attributes: { to: elementTypes[to] } });
  }
}
