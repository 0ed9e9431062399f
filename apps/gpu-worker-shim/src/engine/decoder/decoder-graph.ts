import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { assertWeightsFit } from '../../memory/weights-fit.js';
import { int64Tensor, openSession, type SessionSettings, tensorFacts } from '../onnx-session.js';
import { Embeddings } from './embeddings.js';
import { assertEmbeds, type DecoderFacts, readDecoderFacts } from './graph-facts.js';
import type { KvArray } from './kv-pool.js';
import { type BestToken, planBestToken } from './onnx/best-token.js';
import { type DeltaOutputs, planDeltaOutputs } from './onnx/delta-outputs.js';
import { readGraph, rewireFirstInput } from './onnx/graph-nodes.js';
import { planLastLogits } from './onnx/last-logits.js';

export interface DecoderFiles {
  /** Absent where the decoder takes `input_ids`. */
  readonly embedTokens?: string;
  readonly decoder: string;
}

/** What is appended to a graph is a few hundred bytes, and as many per tensor of the cache. */
const ADDITION_BYTES = 1 << 20;

/** The file, in a buffer that has room for an addition. */
async function readModel(file: string): Promise<{ buffer: Uint8Array; size: number }> {
  await assertWeightsFit(file);
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const buffer = new Uint8Array(size + ADDITION_BYTES);
    let read = 0;
    while (read < size) {
      // One call moves at most 2 GiB.
      const { bytesRead } = await handle.read(buffer, read, Math.min(size - read, 2 ** 30), read);
      if (bytesRead === 0) throw new Error('the file became shorter while it was read');
      read += bytesRead;
    }
    return { buffer, size };
  } finally {
    await handle.close();
  }
}

async function openEmbeddings(
  { embedTokens }: DecoderFiles,
  { vocabularySize, hiddenSize }: DecoderFacts,
  settings: SessionSettings,
): Promise<Embeddings | undefined> {
  if (embedTokens === undefined || hiddenSize === undefined) return undefined;
  const session = await openSession(embedTokens, settings);
  try {
    assertEmbeds(tensorFacts(session.inputMetadata), tensorFacts(session.outputMetadata), hiddenSize);
    return await Embeddings.open(session, vocabularySize, hiddenSize);
  } catch (error) {
    await session.release();
    throw new Error(`${embedTokens}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The mask tells rows of unequal length apart; plain operators also have to be told where each row is. */
const canTellRowsApart = (facts: DecoderFacts, attention: DeltaOutputs['attention']): boolean =>
  facts.takesAttentionMask && (attention === 'gqa' || facts.takesPositions);

/** The decoder with what is added to its graph. */
async function openDecoder(file: string, settings: SessionSettings) {
  const { buffer, size } = await readModel(file);
  const { opset, nodes, inputs, outputs } = readGraph(buffer.subarray(0, size));
  const facts = readDecoderFacts(inputs, outputs);
  const found = planDeltaOutputs(nodes, facts.cache);
  const deltas = found && canTellRowsApart(facts, found.attention) ? found : undefined;
  const lastLogits = facts.takesLogitsToKeep ? undefined : planLastLogits(nodes);
  if (lastLogits !== undefined) {
    rewireFirstInput(buffer.subarray(0, size), lastLogits.head.output, lastLogits.head.input);
  }
  const best = planBestToken(facts.vocabularySize, opset);
  const addition = Buffer.concat([deltas, lastLogits, best].flatMap((plan) => plan?.addition ?? []));
  buffer.set(addition, size);
  const bytes = buffer.subarray(0, size + addition.length);
  const session = await openSession(file, settings, { bytes, folder: dirname(file) });
  const takesLogitsToKeep = facts.takesLogitsToKeep || lastLogits !== undefined;
  return { session, facts: { ...facts, takesLogitsToKeep }, deltas, best };
}

/** The sessions of a merged decoder: what goes in by name, what comes out by name, and how to look up embeddings. */
export class DecoderGraph {
  private constructor(
    private readonly embeddings: Embeddings | undefined,
    private readonly decoder: InferenceSession,
    readonly facts: DecoderFacts,
    /** Absent where the graph can only give its whole cache. */
    readonly deltas: DeltaOutputs | undefined,
    /** Absent where the graph can only give all logits. */
    readonly best: BestToken | undefined,
  ) {}

  /** Throws an `Error` that names the file when a graph cannot be loaded or needs what is not supported. */
  static async open(files: DecoderFiles, settings: SessionSettings): Promise<DecoderGraph> {
    const { session, facts, deltas, best } = await openDecoder(files.decoder, settings).catch((error) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(reason.includes(files.decoder) ? reason : `${files.decoder}: ${reason}`);
    });
    const embeddings = await openEmbeddings(files, facts, settings);
    return new DecoderGraph(embeddings, session, facts, deltas, best);
  }

  /**
   * The input that carries tokens, as `[rows, tokens per row]` or `[rows, tokens per row, hiddenSize]`. `adjust` may write
   * over embeddings.
   */
  async tokens(
    ids: readonly number[],
    rows: number,
    adjust?: (embeddings: Float32Array, hiddenSize: number) => void,
  ): Promise<Record<string, Tensor>> {
    const perRow = ids.length / rows;
    const { hiddenSize } = this.facts;
    if (hiddenSize === undefined) return { input_ids: int64Tensor(ids, [rows, perRow]) };
    if (this.embeddings === undefined)
      throw new Error('The graph takes embeddings and there is no embed_tokens.');
    const embeddings = await this.embeddings.of(ids);
    adjust?.(embeddings, hiddenSize);
    return { inputs_embeds: new Tensor('float32', embeddings, [rows, perRow, hiddenSize]) };
  }

  /**
   * Runs the decoder and gives the named outputs. Inputs the graph does not have are left out; a graph without
   * `num_logits_to_keep` gives logits of all tokens, whatever `logitsToKeep` says.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs: readonly string[],
    logitsToKeep = 1,
  ): Promise<InferenceSession.OnnxValueMapType> {
    const { facts } = this;
    const { attention_mask, position_ids, ...others } = feeds;
    return this.decoder.run(
      {
        ...others,
        ...(facts.takesAttentionMask && attention_mask && { attention_mask }),
        ...(facts.takesPositions && position_ids && { position_ids }),
        ...(facts.takesLogitsToKeep && { num_logits_to_keep: int64Tensor([logitsToKeep], []) }),
      },
      [...outputs],
    );
  }

  async close(): Promise<void> {
    await this.embeddings?.close();
    await this.decoder.release();
  }
}

/** The keys or values of an output. Throws when the graph does not give them. */
export function kvOf(outputs: InferenceSession.OnnxValueMapType, name: string): KvArray {
  const value = outputs[name];
  if (value instanceof Tensor) {
    const { data } = value;
    if (data instanceof Float32Array && data.buffer instanceof ArrayBuffer) return data as KvArray;
    if (data instanceof Uint16Array && data.buffer instanceof ArrayBuffer) return data as KvArray;
  }
  throw new Error(`The graph gave no keys or values "${name}".`);
}

/** A tensor over keys or values where they lie. */
export const kvTensor = (data: KvArray, shape: readonly number[]): Tensor =>
  data instanceof Float32Array ? new Tensor('float32', data, shape) : new Tensor('float16', data, shape);
