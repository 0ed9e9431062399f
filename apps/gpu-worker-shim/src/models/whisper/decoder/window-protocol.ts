import type { ThreadError } from '../../../engine/threads/thread-error.js';
import type { WhisperTokens } from '../decoding/whisper-tokens.js';
import type { EncodedSound } from './window-rows.js';
import type { WindowTick } from './window-scheduler.js';
import type { WindowTask } from './window-task.js';

export type ToWindowThread = { readonly write: WindowTask } | { readonly cancel: number };

/** One turn of the scheduler, as plain data. */
export type FromWindowThread = Omit<WindowTick, 'failures'> & {
  readonly failures: readonly { readonly id: number; readonly error: ThreadError }[];
};

export interface WindowThreadSettings {
  /** Has the tokenizer's files. */
  readonly folder: string;
  readonly decoderFile: string;
  readonly tokens: WhisperTokens;
  readonly maxModelLen: number;
  readonly executionProviders: readonly string[];
  /** Threads inside one ONNX Runtime session. */
  readonly threads: number;
  /** Windows that are written at the same time, as far as `kvCacheBytes` allows. */
  readonly maxRunning: number;
  readonly kvCacheBytes: number;
  /** What the encoder gives for a window of silence. */
  readonly silence: EncodedSound;
}

export interface WindowThreadFacts {
  readonly maxRows: number;
  /** Bytes of keys and values of one window at its longest. */
  readonly rowBytes: number;
}
