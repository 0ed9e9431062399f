import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { TensorFacts } from '../../../engine/decoder/graph-facts.js';
import { floatsOf, int64Tensor, openSession, tensorFacts } from '../../../engine/onnx-session.js';
import type { WhisperThreadSettings } from './whisper-protocol.js';

interface CacheFacts {
  /** `past_key_values.0.decoder.key` */
  readonly past: string;
  /** `present.0.decoder.key` */
  readonly present: string;
  /** Keys and values of the sound: the same in all steps of a window. */
  readonly isOfEncoder: boolean;
  readonly heads: number;
  readonly headSize: number;
}

const pastName = /^past_key_values\.\d+\.(decoder|encoder)\.(key|value)$/;
const otherInputs = ['input_ids', 'encoder_hidden_states', 'use_cache_branch'];

/** Reads the cache off a merged decoder. Throws an `Error` with the reason when it cannot be run. */
export function readCacheFacts(
  inputs: readonly TensorFacts[],
  outputs: readonly TensorFacts[],
): CacheFacts[] {
  const names = inputs.map(({ name }) => name);
  const unknown = names.find((name) => !otherInputs.includes(name) && !pastName.test(name));
  if (unknown !== undefined) throw new Error(`the graph needs "${unknown}", which is not supported`);
  const missing = otherInputs.find((name) => !names.includes(name));
  if (missing !== undefined) throw new Error(`the graph takes no "${missing}": it is no merged decoder`);
  const given = new Map(outputs.map((output) => [output.name, output]));
  if (given.get('logits')?.type !== 'float32') throw new Error('the graph gives no float32 "logits"');
  return inputs
    .filter(({ name }) => pastName.test(name))
    .map(({ name: past, type, shape }) => {
      const present = past.replace('past_key_values', 'present');
      const [, heads, , headSize] = shape;
      if (type !== 'float32' || typeof heads !== 'number' || typeof headSize !== 'number') {
        throw new Error(`"${past}" is not float32 with a fixed number and size of heads`);
      }
      if (!given.has(present)) throw new Error(`the graph gives no "${present}"`);
      return { past, present, isOfEncoder: past.includes('.encoder.'), heads, headSize };
    });
}

type Cache = Record<string, Tensor>;

/** Logits of every token that was fed in one run. */
export interface DecoderRun {
  /** Of one token, by its place in the run; the array may be changed. */
  logitsAt(place: number): Float32Array;
  readonly cache: Cache;
}

/** Encoder and merged decoder of one model. */
export class WhisperGraphs {
  private constructor(
    private readonly encoder: InferenceSession,
    private readonly decoder: InferenceSession,
    private readonly caches: readonly CacheFacts[],
    private readonly settings: WhisperThreadSettings,
  ) {}

  static async open(settings: WhisperThreadSettings): Promise<WhisperGraphs> {
    const encoder = await openSession(settings.encoderFile, settings);
    const decoder = await openSession(settings.decoderFile, settings);
    try {
      const inputs = tensorFacts(decoder.inputMetadata);
      const caches = readCacheFacts(inputs, tensorFacts(decoder.outputMetadata));
      return new WhisperGraphs(encoder, decoder, caches, settings);
    } catch (error) {
      throw new Error(`${settings.decoderFile}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** What the decoder listens to: the encoder's view of one window of features. */
  async encode(features: Float32Array): Promise<Tensor> {
    const { melBins, windowSamples, hop } = this.settings.features;
    const shape = [1, melBins, Math.floor(windowSamples / hop)];
    const output = await this.encoder.run({ input_features: new Tensor('float32', features, shape) }, [
      'last_hidden_state',
    ]);
    return new Tensor('float32', floatsOf(output, 'last_hidden_state'), [
      ...(output.last_hidden_state?.dims ?? []),
    ]);
  }

  /** Feeds the prompt of a window. */
  begin(sound: Tensor, ids: readonly number[]): Promise<DecoderRun> {
    const empty = this.caches.map(
      ({ past, heads, headSize }) =>
        [past, new Tensor('float32', new Float32Array(), [1, heads, 0, headSize])] as const,
    );
    return this.run(sound, ids, Object.fromEntries(empty), true);
  }

  /** Feeds one token more. */
  next(sound: Tensor, id: number, cache: Cache): Promise<DecoderRun> {
    return this.run(sound, [id], cache, false);
  }

  async close(): Promise<void> {
    await Promise.all([this.encoder.release(), this.decoder.release()]);
  }

  /** Later runs do not fetch the sound's keys and values again: they are large, and the same. */
  private async run(
    sound: Tensor,
    ids: readonly number[],
    cache: Cache,
    isFirst: boolean,
  ): Promise<DecoderRun> {
    const fetched = this.caches.filter(({ isOfEncoder }) => isFirst || !isOfEncoder);
    const outputs = await this.decoder.run(
      {
        ...cache,
        input_ids: int64Tensor(ids, [1, ids.length]),
        encoder_hidden_states: sound,
        use_cache_branch: new Tensor('bool', [!isFirst], [1]),
      },
      ['logits', ...fetched.map(({ present }) => present)],
    );
    const logits = floatsOf(outputs, 'logits');
    const size = logits.length / ids.length;
    const fresh = fetched.map(({ past, present }) => {
      const value = outputs[present];
      if (!(value instanceof Tensor)) throw new Error(`The graph gave no tensor "${present}".`);
      return [past, value] as const;
    });
    return {
      logitsAt: (place) => logits.subarray(place * size, (place + 1) * size),
      cache: { ...cache, ...Object.fromEntries(fresh) },
    };
  }
}
