import { problemOfBlobStoreUrl } from '@fovea/blob-store';
import {
  type ConfigOf,
  durationS,
  type Environment,
  httpUrls,
  integer,
  oneOf,
  port,
  readVariables,
  redisUrl,
  text,
  variable,
} from '@fovea/config';

const MIB = 1024 * 1024;

/** Every variable the worker-adapter reads; `docs/reference/env.md` is generated from this record. */
export const variables = {
  ADAPTER_CONFIG: variable(text().optional(), {
    help: 'Path of the worker file (TOML); the argument `--config` goes before it.',
  }),
  ADAPTER_ENGINE_URL: variable(httpUrls().optional(), {
    help: 'Address of the engine, or of several, comma separated, that serve the same.',
    defaultText: '`[generator] url` of the worker file',
  }),
  ADAPTER_ENGINE_API_KEY: variable(text().optional(), {
    help: 'Key the engine asks for.',
    secret: true,
    defaultText: '`api_key_file` of the worker file, else `SHIM_API_KEY`',
  }),
  SHIM_API_KEY: variable(text().optional(), { help: 'Key of the gpu-worker-shim.', secret: true }),
  ADAPTER_TEXT_SLOTS: variable(integer({ min: 1, max: 4096 }).optional(), {
    help: 'Text requests that run on each engine at once.',
    defaultText: '`max_num_seqs` of the worker file, else 16',
  }),
  ADAPTER_MEDIA_SLOTS: variable(integer({ min: 1, max: 4096 }).optional(), {
    help: 'Requests with images that run on each engine at once.',
    defaultText: '4, or `max_num_seqs` of the worker file if that is less',
  }),
  ADAPTER_TOKEN_BUDGET: variable(integer({ min: 1 }).optional(), {
    help: 'Tokens of prompts and answers that the requests on one engine may reach together; a larger request runs alone in its lane.',
    defaultText:
      '`[generator] token_budget` of the worker file, else what the KV cache of the engine holds, else 4096 for each slot, or twice the context if that is less',
  }),
  ADAPTER_LOAD_POLL_S: variable(durationS({ min: 0.05 }).default(0.5), {
    help: 'How often an engine that works is asked for its load. With 5 requests waiting in it or 80 % of its KV cache taken it gets no new ones.',
  }),
  ADAPTER_ENGINE_STALL_S: variable(durationS({ min: 0.1 }).default(60), {
    help: 'An engine that works and makes no progress for so long counts as hung: what runs there is aborted and run elsewhere. Three times that for one that only prepares pictures or has no metrics. Set it above the longest single step: a prefill without chunks, a vision encoder on a CPU.',
  }),
  ADAPTER_EMBED_SLOTS: variable(integer({ min: 1, max: 4096 }).optional(), {
    help: 'Requests for embeddings and reranking that run on each engine at once.',
    defaultText: '64',
  }),
  ADAPTER_BATCH_INPUTS: variable(integer({ min: 1, max: 4096 }).default(64), {
    help: 'Most texts of several embedding or rerank requests that go to an engine in one call; a longer request goes alone.',
  }),
  ADAPTER_BATCH_WAIT_MS: variable(integer({ min: 0, max: 1000 }).default(5), {
    help: 'How long an embedding or rerank request waits for others to share a call with, in milliseconds.',
  }),
  ADAPTER_MAX_IMAGE_BYTES: variable(integer({ min: MIB }).default(256 * MIB), {
    help: 'Most bytes of images and long texts in memory, half of them to be sent and half to be decoded; a larger request runs alone.',
  }),
  ADAPTER_DRAIN_S: variable(durationS().optional(), {
    help: 'How long running requests may go on after SIGTERM; a second signal ends them at once.',
    defaultText: '`REQUEST_TIMEOUT_S` and 10 more',
  }),
  ADAPTER_OPS_HOST: variable(text().default('127.0.0.1'), { help: 'Address of health and metrics.' }),
  ADAPTER_OPS_PORT: variable(port().optional(), {
    help: 'Port of health and metrics; 0 takes a free one.',
    defaultText: '`[monitoring] metrics_port` of the worker file, else 4000',
  }),
  REDIS_URL: variable(redisUrl().optional(), {
    help: 'Redis or Valkey, `redis(s)://[user:password@]host:port`; a `redis(s)://` address in `[queue] url` goes before it.',
    secret: true,
  }),
  BLOB_STORE_URL: variable(text(), {
    help: 'Where media are kept, shared with the gateway: `file:///path` or `s3://bucket/prefix?endpoint=…&region=…&path-style=…`.',
  }),
  AWS_ACCESS_KEY_ID: variable(text().optional(), {
    help: 'Key of the bucket in `BLOB_STORE_URL`.',
    secret: true,
    defaultText: 'what the AWS SDK finds: role, web identity, `~/.aws`',
  }),
  AWS_SECRET_ACCESS_KEY: variable(text().optional(), {
    help: 'Belongs to `AWS_ACCESS_KEY_ID`.',
    secret: true,
  }),
  AWS_SESSION_TOKEN: variable(text().optional(), {
    help: 'Belongs to `AWS_ACCESS_KEY_ID` when that is a temporary key.',
    secret: true,
  }),
  BLOB_LINGER_S: variable(durationS().default(600), { help: 'How long media stay after their last use.' }),
  LOG_TTL_S: variable(durationS({ min: 1 }).default(60), {
    help: 'How long the events of a finished request stay.',
  }),
  WORKER_GRACE_S: variable(durationS({ min: 1 }).default(10), {
    help: 'How long a model stays available after its last worker was heard of.',
  }),
  REQUEST_TIMEOUT_S: variable(durationS({ min: 1 }).default(300), {
    help: 'The longest a request may take, from its first byte.',
  }),
  LOG_LEVEL: variable(oneOf(['trace', 'debug', 'info', 'warn', 'error']).default('info'), {
    help: 'Log level.',
  }),
};

export type WorkerConfig = Readonly<ConfigOf<typeof variables>>;

/** Throws `ConfigError` with every problem at once. */
export function readWorkerConfig(env: Environment): WorkerConfig {
  return readVariables(variables, env, (rule) => {
    rule(['BLOB_STORE_URL'], ({ BLOB_STORE_URL: url }) => problemOfBlobStoreUrl(url));
    rule(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'], (keys) =>
      (keys.AWS_ACCESS_KEY_ID === undefined) === (keys.AWS_SECRET_ACCESS_KEY === undefined)
        ? undefined
        : 'both or none',
    );
  });
}
