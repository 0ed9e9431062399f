import { availableParallelism } from 'node:os';
import {
  type ConfigOf,
  durationS,
  type Environment,
  flag,
  integer,
  list,
  oneOf,
  port,
  readVariables,
  text,
  variable,
} from '@fovea/config';
import { precisions } from '../models/model-folder-graphs.js';

/** As onnxruntime-node names them; which of them work is up to its build and the machine. */
const providers = ['cpu', 'cuda', 'dml', 'coreml', 'webgpu'];

/** One core is left to the HTTP loop, the other threads and the neighbours. */
const spareThreads = Math.max(1, availableParallelism() - 1);

/** Every environment variable of the shim. */
export const shimVariables = {
  SHIM_HOST: variable(text().default('127.0.0.1'), { help: 'Address to listen on.' }),
  SHIM_PORT: variable(port().default(8000), { help: 'Port to listen on; 0 takes a free one.' }),
  SHIM_API_KEY: variable(text({ pattern: /^\S+$/, expected: 'a key without blanks' }).optional(), {
    help: 'Bearer key that all routes ask for but probes, /metrics, /tokenize and /detokenize; unset: none.',
    secret: true,
  }),
  SHIM_MODELS: variable(
    list().refine((entries) => entries.length > 0, 'at least one entry'),
    {
      help: 'Comma separated: `name=folder`, or a folder that is a model or holds model folders, served by their names.',
    },
  ),
  SHIM_ALLOWED_LOCAL_MEDIA_PATH: variable(text({ pattern: /^\//, expected: 'an absolute path' }).optional(), {
    help: "Folder whose files requests may name as images, `file:///…`, like vLLM's `--allowed-local-media-path`; unset: none. Symbolic links are followed, and must not lead out of it.",
  }),
  SHIM_EXECUTION_PROVIDERS: variable(
    list()
      .refine(
        (names) => names.length > 0 && names.every((name) => providers.includes(name)),
        `some of ${providers.join(', ')}`,
      )
      .default(['cpu']),
    {
      help: 'ONNX Runtime execution providers, in order of preference: `cpu`, `cuda`, `dml`, `coreml`, `webgpu`.',
    },
  ),
  SHIM_DTYPES: variable(
    list()
      .refine((names) => names.every((name) => precisions.includes(name)), `some of ${precisions.join(', ')}`)
      .default([]),
    {
      help: 'Precisions of graphs to load, in order of preference: the first that a model folder has is taken. Unset: what its `config.json` names, else the most exact one.',
      defaultText: 'up to the folder',
    },
  ),
  SHIM_THREADS: variable(integer({ min: 1, max: 1024 }).default(spareThreads), {
    help: 'Threads of one ONNX Runtime session.',
    defaultText: 'the cores less one',
  }),
  SHIM_DECODER_REPLICAS: variable(
    text({ pattern: /^(auto|[1-9]\d{0,2})$/, expected: 'auto or a whole number from 1 to 999' }).default(
      'auto',
    ),
    {
      help: 'Decoders of one language model that run side by side and share sequences, memory and threads. `auto`: one per core, each with one thread and four sequences or more, where the weights are at most 64 MiB and each can hold the whole context; else a single one.',
    },
  ),
  SHIM_MAX_NUM_SEQS: variable(integer({ min: 1, max: 4096 }).default(8), {
    help: 'Sequences that one model decodes at the same time.',
  }),
  SHIM_MAX_WAITING: variable(integer({ min: 0, max: 100_000 }).default(64), {
    help: 'Sequences that may wait for a place, per model; one more is answered 503.',
  }),
  SHIM_KV_CACHE_MIB: variable(integer({ min: 1, max: 1_048_576 }).default(1024), {
    help: 'Memory for keys and values of running sequences, per model. A context that does not fit is shortened.',
  }),
  SHIM_PREFIX_CACHE_MIB: variable(integer({ min: 0, max: 1_048_576 }).default(256), {
    help: 'Memory for keys and values of prompts and answers that are kept for prompts that begin like them, per model; 0: none.',
  }),
  SHIM_IMAGE_CACHE_MIB: variable(integer({ min: 0, max: 1_048_576 }).default(64), {
    help: 'Memory for the embeddings of images that are kept, per model; 0: none.',
  }),
  SHIM_MAX_AUDIO_S: variable(durationS().default(4 * 3600), {
    help: 'Longest recording that is written down; longer ones are refused. Decoding stops there, whatever a file claims.',
  }),
  SHIM_VAD: variable(flag().default(true), {
    help: 'Whether recordings longer than one window of the model are cut at silence, which is skipped (Silero VAD). Off: window follows window.',
  }),
  SHIM_SPEECH_FALLBACK: variable(flag().default(true), {
    help: 'Whether a window whose text repeats itself or is unlikely is written again at higher temperatures. Not in streamed answers, nor where a temperature is asked for.',
  }),
  SHIM_FFMPEG: variable(text().default('ffmpeg'), {
    help: 'ffmpeg for M4A, AAC and WebM without Opus: a path, or a name that is looked for in the usual folders. Without it these are refused.',
  }),
  SHIM_POCKETSPHINX: variable(
    text({ pattern: /^(auto|off|\/.+)$/, expected: 'auto, off or a path' }).default('auto'),
    {
      help: "PocketSphinx for US English as the model `pocketsphinx-en-us`: `auto` where Debian's `pocketsphinx` and `pocketsphinx-en-us` are installed, `off`, or the path of `pocketsphinx_continuous`, without which the start is refused.",
    },
  ),
  SHIM_DRAIN_S: variable(durationS().default(300), {
    help: 'How long running requests may take to finish after SIGTERM before they are aborted.',
  }),
  LOG_LEVEL: variable(oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'), {
    help: 'Least severe log lines that are written.',
  }),
} as const;

export type ShimConfig = Readonly<ConfigOf<typeof shimVariables>>;

/** Throws `ConfigError` with every problem at once. */
export function readShimConfig(env: Environment): ShimConfig {
  return readVariables(shimVariables, env);
}
