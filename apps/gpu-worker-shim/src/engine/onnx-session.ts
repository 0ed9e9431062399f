import { InferenceSession, Tensor } from 'onnxruntime-node';
import { assertWeightsFit } from '../memory/weights-fit.js';
import type { TensorFacts } from './decoder/graph-facts.js';

export interface SessionSettings {
  readonly executionProviders: readonly string[];
  readonly threads: number;
  /**
   * Inputs of many shapes: then no plan of memory is kept per shape. For PP-OCR's networks, whose inputs follow the
   * picture, this saves 350 MB and costs no time.
   */
  readonly hasVaryingShapes?: boolean;
}

/** A model file that has been read, and maybe added to. */
export interface ModelBytes {
  readonly bytes: Uint8Array;
  /** Of the file: weights may lie in others beside it. */
  readonly folder: string;
}

/**
 * Loads a graph. Throws an `Error` that names the file and the reason. Blocks the thread it is called on, as every later
 * `run` does; call it in a worker thread only.
 */
export async function openSession(
  file: string,
  settings: SessionSettings,
  model?: ModelBytes,
): Promise<InferenceSession> {
  // A model that has been read has asked before.
  if (model === undefined) await assertWeightsFit(file);
  const external = model && { model_external_initializers_file_folder_path: model.folder };
  const options: InferenceSession.SessionOptions = {
    executionProviders: [...settings.executionProviders],
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    enableMemPattern: settings.hasVaryingShapes !== true,
    // Spinning threads would take whole cores from the other threads of this machine between two steps.
    extra: { session: { intra_op: { allow_spinning: '0' }, ...external } },
    logSeverityLevel: 3,
  };
  try {
    return model === undefined
      ? await InferenceSession.create(file, options)
      : await InferenceSession.create(model.bytes, options);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Names, types and shapes as the graph declares them. */
export function tensorFacts(metadata: InferenceSession['inputMetadata']): TensorFacts[] {
  return metadata.map((value) => {
    if (!value.isTensor) throw new Error(`"${value.name}" is not a tensor`);
    return { name: value.name, type: value.type, shape: value.shape };
  });
}

export function int64Tensor(values: readonly number[], shape: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
}

/** The floats of an output. Throws when the graph does not give it or gives another type. */
export function floatsOf(outputs: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const value = outputs[name];
  if (value instanceof Tensor && value.data instanceof Float32Array) return value.data;
  throw new Error(`The graph gave no float32 tensor "${name}".`);
}

/** The whole numbers of an output. Throws when the graph does not give it or gives another type. */
export function integersOf(outputs: InferenceSession.OnnxValueMapType, name: string): BigInt64Array {
  const value = outputs[name];
  if (value instanceof Tensor && value.data instanceof BigInt64Array) return value.data;
  throw new Error(`The graph gave no int64 tensor "${name}".`);
}
