import type { OnnxGraph } from '../onnx/onnx-graph.js';
import { floatWeight, randomBytesWeight, randomWeight, seedOf } from '../onnx/weight.js';

/** Precisions that exports come in, with the suffix of their files' names. */
export const dtypeSuffixes = { fp32: '', fp16: '_fp16', q8: '_quantized', q4: '_q4' } as const;
export type Dtype = keyof typeof dtypeSuffixes;

/** Elements of a column that share a scale. */
const QUANTISED_BLOCK = 32;

/** Standard deviation of evenly distributed integers of so many bits. */
const integerDeviation = (bits: number): number => 2 ** bits / Math.sqrt(12);

/** Makes the weights of one graph: seeded by their names, in the precision asked for. */
export class DecoderWeights {
  constructor(
    private readonly graph: OnnxGraph,
    private readonly seed: number,
    private readonly dtype: Dtype,
  ) {}

  /** A table `[rows, columns]` with entries around 0; half precision is widened behind it. */
  table(name: string, dims: readonly number[], deviation: number): string {
    const seed = seedOf(`${this.seed}/${name}`);
    if (this.dtype !== 'fp16') return this.graph.weight(name, randomWeight(seed, dims, deviation));
    this.graph.weight(name, randomWeight(seed, dims, deviation, 'float16'));
    return this.graph.add('Cast', [name], { attributes: { to: 1 } });
  }

  /** `x [..., from]` to `[..., to]`; entries of the matrix have deviation `gain / √from`. */
  linear(name: string, x: string, from: number, to: number, gain = 1): string {
    const deviation = gain / Math.sqrt(from);
    if (this.dtype === 'q8' || this.dtype === 'q4') return this.quantised(name, x, from, to, deviation);
    return this.graph.add('MatMul', [x, this.table(name, [from, to], deviation)]);
  }

  /** Root-mean-square normalisation, as ONNX Runtime's fusions write it. */
  rmsNorm(name: string, x: string, size: number): string {
    const ones = this.graph.weight(name, floatWeight(new Float32Array(size).fill(1)));
    const attributes = { axis: -1, epsilon: { float: 1e-5 }, stash_type: 1 };
    return this.graph.add('SimplifiedLayerNormalization', [x, ones], { attributes });
  }

  private quantised(name: string, x: string, from: number, to: number, deviation: number): string {
    const bits = this.dtype === 'q4' ? 4 : 8;
    const blocks = Math.ceil(from / QUANTISED_BLOCK);
    const seed = seedOf(`${this.seed}/${name}`);
    const bytes = randomBytesWeight(seed, [to, blocks, (QUANTISED_BLOCK * bits) / 8]);
    const scales = new Float32Array(to * blocks).fill(deviation / integerDeviation(bits));
    return this.graph.add(
      'MatMulNBits',
      [
        x,
        this.graph.weight(`${name}_quantised`, bytes),
        this.graph.weight(`${name}_scales`, floatWeight(scales)),
      ],
      {
        domain: 'com.microsoft',
        attributes: { K: from, N: to, bits, block_size: QUANTISED_BLOCK, accuracy_level: 4 },
      },
    );
  }
}

/** Cosines and sines of rotary embeddings, `[positions, headSize / 2]` each (Su et al., arXiv:2104.09864). */
export function ropeTables(positions: number, headSize: number): { cos: Float32Array; sin: Float32Array } {
  const half = headSize / 2;
  const angle = (at: number) => Math.floor(at / half) * ROPE_THETA ** (-(at % half) / half);
  const length = positions * half;
  return {
    cos: Float32Array.from({ length }, (_, at) => Math.cos(angle(at))),
    sin: Float32Array.from({ length }, (_, at) => Math.sin(angle(at))),
  };
}

export const ROPE_THETA = 10_000;
