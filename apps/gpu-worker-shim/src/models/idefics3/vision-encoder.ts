import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Idefics3Image,
  idefics3PixelMask,
  idefics3PixelValues,
  idefics3TileCount,
} from '@fovea/image-preprocessing';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { TensorFacts } from '../../engine/decoder/graph-facts.js';
import { floatsOf, openSession, tensorFacts } from '../../engine/onnx-session.js';
import type { VisionThreadSettings } from './thread-settings.js';

/** Checks what the graph takes and gives; returns the size of an embedding. Throws an `Error` with the reason. */
export function readVisionFacts(
  inputs: readonly TensorFacts[],
  outputs: readonly TensorFacts[],
  settings: Pick<VisionThreadSettings, 'tileEdge' | 'tokensPerTile'>,
): { hiddenSize: number; takesMask: boolean } {
  const unknown = inputs.find(({ name }) => name !== 'pixel_values' && name !== 'pixel_attention_mask');
  if (unknown !== undefined) throw new Error(`the graph needs "${unknown.name}", which is not supported`);
  const pixels = inputs.find(({ name }) => name === 'pixel_values');
  if (pixels?.type !== 'float32')
    throw new Error(`"pixel_values" is ${pixels?.type ?? 'missing'}, not float32`);
  const { tileEdge, tokensPerTile } = settings;
  const edges = pixels.shape.slice(-2).filter((edge) => typeof edge === 'number');
  if (pixels.shape.length !== 5 || edges.some((edge) => edge !== tileEdge)) {
    throw new Error(
      `"pixel_values" is ${pixels.shape.join('×')}, not batch×images×3×${tileEdge}×${tileEdge}`,
    );
  }
  const features = outputs.find(({ name }) => name === 'image_features');
  const [tokens, hiddenSize] = features?.shape.slice(-2) ?? [];
  if (features?.type !== 'float32' || typeof hiddenSize !== 'number') {
    throw new Error('the graph gives no float32 "image_features" of a fixed size');
  }
  if (typeof tokens === 'number' && tokens !== tokensPerTile) {
    throw new Error(
      `"image_features" has ${tokens} tokens per tile, the configuration says ${tokensPerTile}`,
    );
  }
  return { hiddenSize, takesMask: inputs.some(({ name }) => name === 'pixel_attention_mask') };
}

/** The vision encoder of Idefics3: tiles in, embeddings out. One tile per run, since a batch gains nothing on a CPU. */
export class VisionEncoder {
  private constructor(
    private readonly session: InferenceSession,
    private readonly settings: VisionThreadSettings,
    readonly hiddenSize: number,
    private readonly takesMask: boolean,
  ) {}

  static async open(settings: VisionThreadSettings): Promise<VisionEncoder> {
    const session = await openSession(settings.visionFile, settings);
    try {
      const inputs = tensorFacts(session.inputMetadata);
      const facts = readVisionFacts(inputs, tensorFacts(session.outputMetadata), settings);
      const encoder = new VisionEncoder(session, settings, facts.hiddenSize, facts.takesMask);
      await encoder.test();
      return encoder;
    } catch (error) {
      throw new Error(`${settings.visionFile}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Embeddings of all tiles of all images, in prompt order. Between tiles it stops when nobody waits any more. */
  async encode(
    images: readonly Idefics3Image[],
    isCancelled: () => boolean,
  ): Promise<Float32Array<ArrayBuffer>> {
    const perTile = this.settings.tokensPerTile * this.hiddenSize;
    const tiles = images.reduce((sum, image) => sum + idefics3TileCount(image.grid), 0);
    const features = new Float32Array(tiles * perTile);
    let done = 0;
    for (const image of images) {
      for (let tile = 0; tile < idefics3TileCount(image.grid); tile += 1) {
        await nextTurn();
        if (isCancelled()) throw new Error('The call was cancelled.');
        const tileFeatures = await this.encodeTile(image, tile);
        if (tileFeatures.length !== perTile) {
          throw new Error(`The vision encoder gave ${tileFeatures.length} floats instead of ${perTile}.`);
        }
        features.set(tileFeatures, done * perTile);
        done += 1;
      }
    }
    return features;
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  /** Warms the graph up with a picture of one tile. Throws an `Error` when it does not run or gives nonsense. */
  private async test(): Promise<void> {
    const { tileEdge } = this.settings;
    const sizes = { scaledWidth: tileEdge, scaledHeight: tileEdge, width: tileEdge, height: tileEdge };
    const canvas = Uint8Array.from({ length: 3 * tileEdge ** 2 }, (_, at) => at % 251);
    const image = { grid: { ...sizes, rows: 0, columns: 0 }, canvas };
    const features = await this.encode([image], () => false);
    if (!features.every(Number.isFinite))
      throw new Error('the self-test gave embeddings that are not finite');
  }

  private async encodeTile(image: Idefics3Image, tile: number): Promise<Float32Array> {
    const { normalisation, tileEdge } = this.settings;
    const values = idefics3PixelValues(image, tile, tileEdge, normalisation);
    const feeds: Record<string, Tensor> = {
      pixel_values: new Tensor('float32', values, [1, 1, 3, tileEdge, tileEdge]),
    };
    if (this.takesMask) {
      const mask = idefics3PixelMask(1, tileEdge);
      feeds.pixel_attention_mask = new Tensor('bool', mask, [1, 1, tileEdge, tileEdge]);
    }
    return floatsOf(await this.session.run(feeds), 'image_features');
  }
}
