import type { MemoryNeed } from '../memory/memory-need.js';
import type { ChatModel } from './chat-model.js';
import type { EmbeddingModel } from './embedding-model.js';
import type { TranscriptionModel } from './transcription-model.js';

/** A loaded model of any kind. */
export type ServedModel = (ChatModel | EmbeddingModel | TranscriptionModel) & {
  /** Absent where it holds little beside its weights. */
  readonly memoryNeed?: MemoryNeed | undefined;
};

/** How the process runs its models; the same for all of them. */
export interface ModelRuntime {
  /** ONNX Runtime's execution providers by its own names, in order of preference. */
  readonly executionProviders: readonly string[];
  /** Precisions of graphs to prefer, see `requireGraph`. Empty: up to the folder. */
  readonly dtypes: readonly string[];
  /** Threads inside one ONNX Runtime session. */
  readonly threads: number;
  /** Decoders of one language model side by side; `auto`: see `countReplicas`. */
  readonly replicas: number | 'auto';
  /** Sequences that one model works on at the same time. */
  readonly maxRunning: number;
  /** Accepted requests that wait for a place, per model. One more is refused with `QUEUE_FULL`. */
  readonly maxWaiting: number;
  /** Per model: keys and values of running sequences. A context that does not fit is shortened. */
  readonly kvCacheBytes: number;
  /** Per model: keys and values of prompts and answers that are kept for the next ones. 0: none. */
  readonly prefixCacheBytes: number;
  /** Per model: embeddings of images that are kept. 0: none. */
  readonly imageCacheBytes: number;
  readonly speech: SpeechRuntime;
}

/** How recordings are heard. */
export interface SpeechRuntime {
  /** Longer recordings are refused. */
  readonly maxAudioS: number;
  /** Cut long recordings at silence, which is not heard. */
  readonly vad: boolean;
  /** Name or path of ffmpeg, which is used where it is there. */
  readonly ffmpeg: string;
  /** Write windows of doubtful text again at higher temperatures. */
  readonly retriesDoubtful: boolean;
}

/** One entry of `SHIM_MODELS`: the served name and the folder that holds the model. */
export interface ModelSource {
  readonly name: string;
  /** Absolute path. */
  readonly folder: string;
  /** `model_type` of the folder's `config.json`. */
  readonly modelType: string;
}

/**
 * A kind of model this server can run. `load` reads the folder and starts the threads; it throws an `Error` whose
 * message names the file and what is missing or not supported, so that a wrong folder stops the start.
 */
export interface ModelFamily<Model extends ServedModel = ChatModel> {
  /** The values of `model_type` it answers to. */
  readonly modelTypes: readonly string[];
  load(source: ModelSource, runtime: ModelRuntime): Promise<Model>;
}
