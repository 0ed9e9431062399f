import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { TensorFacts } from '../../../engine/decoder/graph-facts.js';
import { floatsOf, openSession, tensorFacts } from '../../../engine/onnx-session.js';
import type { EmbeddingRow, EmbeddingThreadSettings } from './embedding-protocol.js';
import { normalise, poolFirst, poolMean } from './pool-tokens.js';

/** What the graph takes and gives. */
export interface EncoderFacts {
  readonly takesTokenTypes: boolean;
  readonly output: string;
  /** The output is one vector per text; else one per token. */
  readonly isPooled: boolean;
  /** Floats of a vector. */
  readonly dimensions: number;
}

const knownInputs = ['input_ids', 'attention_mask', 'token_type_ids'];
/** In order of preference: what the export itself has pooled is right whatever the other files say. */
const knownOutputs = ['sentence_embedding', 'last_hidden_state', 'token_embeddings'];

/** Reads the facts off the graph. Throws an `Error` with the reason when it cannot be run. */
export function readEncoderFacts(
  inputs: readonly TensorFacts[],
  outputs: readonly TensorFacts[],
): EncoderFacts {
  const unknown = inputs.find(({ name }) => !knownInputs.includes(name));
  if (unknown !== undefined) throw new Error(`the graph needs "${unknown.name}", which is not supported`);
  const wrong = inputs.find(({ type }) => type !== 'int64');
  if (wrong !== undefined) throw new Error(`"${wrong.name}" is ${wrong.type}, not int64`);
  const names = inputs.map(({ name }) => name);
  const missing = ['input_ids', 'attention_mask'].find((name) => !names.includes(name));
  if (missing !== undefined) throw new Error(`the graph takes no "${missing}"`);
  const output = knownOutputs
    .map((name) => outputs.find((one) => one.name === name))
    .find((one) => one !== undefined);
  const isPooled = output?.name === 'sentence_embedding';
  const dimensions = output?.shape.at(-1);
  if (
    output?.type !== 'float32' ||
    typeof dimensions !== 'number' ||
    output.shape.length !== (isPooled ? 2 : 3)
  ) {
    throw new Error(`the graph gives no float32 ${knownOutputs.join(' or ')} of a fixed size`);
  }
  return { takesTokenTypes: names.includes('token_type_ids'), output: output.name, isPooled, dimensions };
}

/** How much a vector may differ by what else is in its batch. */
const SAME_WITHIN = 1e-5;

/** An encoder as a graph: rows of tokens in, one vector per row out. */
export class EncoderGraph {
  private constructor(
    private readonly session: InferenceSession,
    private readonly settings: EmbeddingThreadSettings,
    private readonly facts: EncoderFacts,
  ) {}

  static async open(settings: EmbeddingThreadSettings): Promise<EncoderGraph> {
    const session = await openSession(settings.graphFile, { ...settings, hasVaryingShapes: true });
    try {
      const facts = readEncoderFacts(tensorFacts(session.inputMetadata), tensorFacts(session.outputMetadata));
      return new EncoderGraph(session, settings, facts);
    } catch (error) {
      throw new Error(`${settings.graphFile}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  get dimensions(): number {
    return this.facts.dimensions;
  }

  /** Rows of any lengths, padded to the longest, with a mask over the padding. */
  async encode(rows: readonly EmbeddingRow[]): Promise<Float32Array<ArrayBuffer>[]> {
    const length = rows.reduce((longest, { ids }) => Math.max(longest, ids.length), 0);
    const { output, isPooled, dimensions: size } = this.facts;
    const values = floatsOf(await this.session.run(this.feeds(rows, length), [output]), output);
    const perRow = isPooled ? size : length * size;
    if (values.length !== rows.length * perRow) {
      throw new Error(`"${output}" has ${values.length} floats instead of ${rows.length * perRow}.`);
    }
    return rows.map((row, at) => this.toVector(row, values.subarray(at * perRow, (at + 1) * perRow)));
  }

  /**
   * Runs the graph once alone and once in ragged company, which also warms it up. False when the company makes a
   * difference.
   */
  async isBatchInvariant(): Promise<boolean> {
    const { maxModelLen, vocabularySize } = this.settings;
    // Counted down from the last id, so that a graph with fewer than the configuration says fails here.
    const row = (tokens: number, step: number): EmbeddingRow => ({
      ids: Int32Array.from(
        { length: Math.min(tokens, maxModelLen) },
        (_, at) => vocabularySize - 1 - ((at * step) % vocabularySize),
      ),
      dimensions: this.dimensions,
    });
    const [alone] = await this.encode([row(5, 7)]);
    const [together] = await this.encode([row(5, 7), row(24, 31), row(2, 3)]);
    if (alone === undefined || together === undefined) throw new Error('The graph gave no vector.');
    const scale = Math.max(1, ...alone.map(Math.abs));
    return alone.every((value, at) => Math.abs(value - together[at]!) <= SAME_WITHIN * scale);
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private feeds(rows: readonly EmbeddingRow[], length: number): Record<string, Tensor> {
    const shape = [rows.length, length];
    const ids = new BigInt64Array(rows.length * length).fill(BigInt(this.settings.padTokenId));
    const mask = new BigInt64Array(rows.length * length);
    for (const [row, { ids: tokens }] of rows.entries()) {
      for (let at = 0; at < tokens.length; at += 1) {
        ids[row * length + at] = BigInt(tokens[at]!);
        mask[row * length + at] = 1n;
      }
    }
    return {
      input_ids: new Tensor('int64', ids, shape),
      attention_mask: new Tensor('int64', mask, shape),
      ...(this.facts.takesTokenTypes && {
        token_type_ids: new Tensor('int64', new BigInt64Array(ids.length), shape),
      }),
    };
  }

  private toVector({ ids, dimensions }: EmbeddingRow, values: Float32Array): Float32Array<ArrayBuffer> {
    const { isPooled, dimensions: size } = this.facts;
    const whole =
      isPooled || this.settings.pooling === 'cls'
        ? poolFirst(values, size)
        : poolMean(values, ids.length, size);
    // Shortened before it is scaled: a vector of any length asked for has length 1.
    const vector = dimensions < size ? whole.slice(0, dimensions) : whole;
    if (this.settings.normalise) normalise(vector);
    if (!vector.every(Number.isFinite)) throw new Error('The graph gave what is no number.');
    return vector;
  }
}
