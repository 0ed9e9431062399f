import type { DecoderSizes } from '../decoder/decoder-sizes.js';
import { DecoderWeights, type Dtype } from '../decoder/decoder-weights.js';
import { OnnxGraph } from '../onnx/onnx-graph.js';
import { elementTypes, floatWeight } from '../onnx/weight.js';

/** Sizes of a SigLIP encoder and the pixel shuffle behind it. Edges are in pixels. */
export interface VisionSizes {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly tileEdge: number;
  readonly patchEdge: number;
  /** Patches along a side that become one token. */
  readonly scale: number;
}

/** Four tokens per tile. */
export const tinyVision: VisionSizes = {
  hiddenSize: 32,
  layers: 2,
  heads: 4,
  intermediateSize: 64,
  tileEdge: 32,
  patchEdge: 8,
  scale: 2,
};

/** SigLIP-B/16 at 512 pixels, the vision half of SmolVLM-256M: 64 tokens per tile. */
export const smolVlmVision: VisionSizes = {
  hiddenSize: 768,
  layers: 12,
  heads: 12,
  intermediateSize: 3072,
  tileEdge: 512,
  patchEdge: 16,
  scale: 4,
};

/** Tokens that one tile becomes. */
export const tokensPerTile = ({ tileEdge, patchEdge, scale }: VisionSizes): number =>
  (tileEdge / patchEdge / scale) ** 2;

/** Builds the encoder of one checkpoint; keeps what every layer needs. */
class VisionBuilder {
  readonly graph = new OnnxGraph('vision_encoder');
  private readonly weights: DecoderWeights;

  constructor(
    private readonly sizes: VisionSizes,
    seed: number,
    dtype: Dtype,
  ) {
    this.weights = new DecoderWeights(this.graph, seed, dtype);
  }

  /** `[batch, images, 3, T, T]` to `[real tiles, 3, T, T]`: a tile of zeros, or one that is masked out, is padding. */
  realTiles(): string {
    const { graph } = this;
    const edge = this.sizes.tileEdge;
    const highest = (x: string, axes: number[]) =>
      graph.add('ReduceMax', [x], { attributes: { axes, keepdims: 0 } });
    const tiles = graph.add('Reshape', ['pixel_values', graph.integers(-1, 3, edge, edge)]);
    const mask = graph.add('Reshape', ['pixel_attention_mask', graph.integers(-1, edge * edge)]);
    const seen = graph.add('Cast', [mask], { attributes: { to: elementTypes.float32 } });
    const product = graph.add('Mul', [highest(graph.add('Abs', [tiles]), [1, 2, 3]), highest(seen, [1])]);
    return graph.add('Compress', [tiles, graph.add('Greater', [product, graph.float(0)])], {
      attributes: { axis: 0 },
    });
  }

  /** `[tiles, 3, T, T]` to `[tiles, patches, hiddenSize]`, with embeddings of the places. */
  patches(tiles: string): string {
    const { graph, weights, sizes } = this;
    const { patchEdge: edge, hiddenSize: hidden } = sizes;
    const count = (sizes.tileEdge / edge) ** 2;
    const deviation = 2 / Math.sqrt(3 * edge * edge);
    const kernel = weights.table('patch_embedding', [hidden, 3, edge, edge], deviation);
    const cells = graph.add('Conv', [tiles, kernel], {
      attributes: { kernel_shape: [edge, edge], strides: [edge, edge] },
    });
    const flat = graph.add('Reshape', [cells, graph.integers(0, hidden, count)]);
    const rows = graph.add('Transpose', [flat], { attributes: { perm: [0, 2, 1] } });
    return graph.add('Add', [rows, weights.table('position_embedding', [count, hidden], 0.5)]);
  }

  layer(at: number, x: string): string {
    const { graph, weights, sizes } = this;
    const { hiddenSize: hidden, intermediateSize: inner, heads } = sizes;
    const name = (part: string) => `vision.${at}.${part}`;
    const before = this.layerNorm(name('layer_norm1'), x);
    const projections = ['q_proj', 'k_proj', 'v_proj'].map((part) =>
      weights.linear(name(part), before, hidden, hidden),
    );
    const attended = graph.add('MultiHeadAttention', projections, {
      domain: 'com.microsoft',
      attributes: { num_heads: heads },
    });
    const middle = graph.add('Add', [x, weights.linear(name('out_proj'), attended, hidden, hidden)]);
    const first = weights.linear(name('fc1'), this.layerNorm(name('layer_norm2'), middle), hidden, inner);
    const active = graph.add('FastGelu', [first], { domain: 'com.microsoft' });
    return graph.add('Add', [middle, weights.linear(name('fc2'), active, inner, hidden)]);
  }

  layerNorm(name: string, x: string): string {
    const { hiddenSize } = this.sizes;
    const ones = this.graph.weight(`${name}.weight`, floatWeight(new Float32Array(hiddenSize).fill(1)));
    const zeros = this.graph.weight(`${name}.bias`, floatWeight(new Float32Array(hiddenSize)));
    return this.graph.add('LayerNormalization', [x, ones, zeros], { attributes: { axis: -1 } });
  }

  /** Idefics3's pixel shuffle (squares of patches side by side) and its projection to the decoder's size. */
  connect(x: string, textSize: number): string {
    const { graph, sizes } = this;
    const { hiddenSize: hidden, scale } = sizes;
    const side = sizes.tileEdge / sizes.patchEdge;
    const short = side / scale;
    const reshape = (value: string, ...dims: number[]) =>
      graph.add('Reshape', [value, graph.integers(...dims)]);
    const swap = (value: string) => graph.add('Transpose', [value], { attributes: { perm: [0, 2, 1, 3] } });
    const rows = swap(reshape(x, -1, side, short, hidden * scale));
    const squares = swap(reshape(rows, -1, short, short, hidden * scale ** 2));
    const flat = reshape(squares, -1, short * short, hidden * scale ** 2);
    return this.weights.linear('modality_projection', flat, hidden * scale ** 2, textSize);
  }
}

/** `vision_encoder.onnx` with random weights: tiles to embeddings, in the layout of Idefics3's exports. */
export function visionGraph(
  sizes: VisionSizes,
  textSize: DecoderSizes['hiddenSize'],
  seed: number,
  dtype: Dtype,
): OnnxGraph {
  const builder = new VisionBuilder(sizes, seed, dtype);
  const { graph } = builder;
  const edge = sizes.tileEdge;
  graph.input('pixel_values', 'float32', ['batch_size', 'num_images', 3, edge, edge]);
  graph.input('pixel_attention_mask', 'bool', ['batch_size', 'num_images', edge, edge]);
  let x = builder.patches(builder.realTiles());
  for (let at = 0; at < sizes.layers; at += 1) x = builder.layer(at, x);
  const features = builder.connect(builder.layerNorm('vision.post_layernorm', x), textSize);
  graph.add('Identity', [features], { outputs: ['image_features'] });
  graph.output('image_features', 'float32', ['num_real_images', tokensPerTile(sizes), textSize]);
  return graph;
}
