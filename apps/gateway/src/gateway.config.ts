import { problemOfBlobStoreUrl } from '@fovea/blob-store';
import {
  type ConfigOf,
  durationS,
  type Environment,
  integer,
  list,
  oneOf,
  port,
  readVariables,
  redisUrl,
  text,
  variable,
} from '@fovea/config';

import { problemOfTlsFiles } from './http/tls-files.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const keyPairs = () =>
  text({
    pattern: /^[^:,\s]+:[^:,\s]+(\s*,\s*[^:,\s]+:[^:,\s]+)*\s*$/,
    expected: 'tenant:key, comma separated',
  });

/** Every variable the gateway reads; `docs/reference/env.md` is generated from this record. */
export const variables = {
  GATEWAY_HOST: variable(text().default('0.0.0.0'), { help: 'Address the API listens on.' }),
  GATEWAY_PORT: variable(port().default(8080), { help: 'Port of the API.' }),
  GATEWAY_OPS_HOST: variable(text().default('127.0.0.1'), { help: 'Address of health and metrics.' }),
  GATEWAY_OPS_PORT: variable(port().default(8081), { help: 'Port of health and metrics.' }),
  GATEWAY_API_KEYS: variable(keyPairs(), {
    help: 'Keys as `tenant:key,tenant2:key2`. A tenant may have several.',
    secret: true,
  }),
  GATEWAY_ADMIN_KEYS: variable(keyPairs().optional(), {
    help: 'Keys in the same form that may also do what concerns all tenants.',
    secret: true,
  }),
  API_KEYS_MAX_PER_TENANT: variable(integer({ min: 0 }).default(100), {
    help: 'Most API keys that a tenant may have created with `POST /users/me/tokens`.',
  }),
  REQUEST_JOURNAL_TTL_S: variable(durationS({ max: 2_592_000 }).default(86_400), {
    help: "How long the figures of a tenant's last ten requests stay for `GET /users/me/requests`; 0 keeps none.",
  }),
  GATEWAY_TLS_CERT: variable(text().optional(), {
    help: 'Certificate chain (PEM file) for HTTPS. SIGHUP reads both files again.',
  }),
  GATEWAY_TLS_KEY: variable(text().optional(), { help: 'Private key (PEM file) for HTTPS.' }),
  CORS_ORIGINS: variable(list().default([]), {
    help: 'Origins whose pages may call the API, like `https://app.example.com`; `*` is any, none by default.',
  }),
  GATEWAY_VERSION: variable(text().default('4.7.0'), {
    help: 'What `GET /version` answers; some clients check it.',
  }),
  REDIS_URL: variable(redisUrl(), {
    help: 'Redis or Valkey, `redis(s)://[user:password@]host:port`.',
    secret: true,
  }),
  BLOB_STORE_URL: variable(text(), {
    help: 'Where media are kept, shared with the workers: `file:///path` or `s3://bucket/prefix?endpoint=…&region=…&path-style=…`.',
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
  BLOB_MAX_BYTES: variable(integer({ min: 1 }).optional(), {
    help: 'Most bytes the blob store may hold.',
    defaultText: '20 % of the free disk; 64 GiB in a bucket',
  }),
  FILE_TTL_S: variable(durationS({ min: 1, max: 2_592_000 }).default(86_400), {
    help: 'How long a picture of `POST /files` stays when its upload does not say.',
  }),
  FILE_MAX_PER_TENANT: variable(integer({ min: 1 }).default(1000), {
    help: 'Most files that a tenant may have stored with `POST /files`.',
  }),
  FILE_MAX_BYTES_PER_TENANT: variable(integer({ min: 1 }).default(GIB), {
    help: 'Most bytes of all files that a tenant has stored with `POST /files`.',
  }),
  LOG_TTL_S: variable(durationS({ min: 1 }).default(60), {
    help: 'How long the events of a finished request stay.',
  }),
  WORKER_GRACE_S: variable(durationS({ min: 1 }).default(10), {
    help: 'How long a model stays available after its last worker was heard of.',
  }),
  REQUEST_TIMEOUT_S: variable(durationS({ min: 1 }).default(300), {
    help: 'The longest a request may take, from its first byte.',
  }),
  GATEWAY_HEADERS_TIMEOUT_S: variable(durationS({ min: 1 }).default(20), {
    help: 'The longest a client may take for the headers of a request.',
  }),
  GATEWAY_UPLOAD_IDLE_S: variable(durationS({ min: 1 }).default(30), {
    help: 'The longest silence of a client in the middle of its upload.',
  }),
  GATEWAY_UPLOAD_MIN_BYTES_PER_S: variable(integer({ min: 0 }).default(1024), {
    help: 'The least a client must send, on average over twice `GATEWAY_UPLOAD_IDLE_S`; 0 asks for nothing.',
  }),
  GATEWAY_MAX_BODY_BYTES: variable(integer({ min: 1024, max: 128 * MIB }).default(128 * MIB), {
    help: 'Largest request body; the contract allows 134217728.',
  }),
  GATEWAY_MAX_BYTES_IN_FLIGHT: variable(integer({ min: MIB }).default(4 * GIB), {
    help: 'Most bytes of request bodies being uploaded at once.',
  }),
  GATEWAY_MAX_BYTES_IN_FLIGHT_PER_TENANT: variable(integer({ min: MIB }).default(2.5 * GIB), {
    help: 'The same for one tenant.',
  }),
  GATEWAY_MAX_WAITING_JOBS: variable(integer({ min: 1 }).default(1000), {
    help: 'Most jobs that may wait in one lane of a checkpoint.',
  }),
  PLAYGROUND: variable(oneOf(['on', 'off']).default('on'), {
    help: 'Whether `/` serves the playground, a page to try the models with. It asks for a key itself.',
  }),
  LOG_LEVEL: variable(oneOf(['trace', 'debug', 'info', 'warn', 'error']).default('info'), {
    help: 'Log level.',
  }),
};

export type GatewayConfig = Readonly<ConfigOf<typeof variables>>;

/** Longest side of an image and the formats, fixed by the contract. */
export const MAX_IMAGE_SIDE_PX = 4000;
export const IMAGE_FORMATS = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const;

/** Throws `ConfigError` with every problem at once. */
export function readGatewayConfig(env: Environment): GatewayConfig {
  return readVariables(variables, env, (rule) => {
    rule(['GATEWAY_TLS_CERT', 'GATEWAY_TLS_KEY'], ({ GATEWAY_TLS_CERT: cert, GATEWAY_TLS_KEY: key }) => {
      if (cert === undefined && key === undefined) return undefined;
      return cert === undefined || key === undefined ? 'both or none' : problemOfTlsFiles({ cert, key });
    });
    rule(['CORS_ORIGINS'], ({ CORS_ORIGINS: origins }) =>
      // One with a path or a slash at its end is never what a browser sends.
      origins.every((origin) => origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin))
        ? undefined
        : 'origins as browsers send them, like https://app.example.com, or *',
    );
    rule(
      ['GATEWAY_ADMIN_KEYS', 'GATEWAY_API_KEYS'],
      ({ GATEWAY_API_KEYS: ordinary, GATEWAY_ADMIN_KEYS: admin = '' }) => {
        const keys = new Set(parseKeys(ordinary).map(({ key }) => key));
        return parseKeys(admin).some(({ key }) => keys.has(key))
          ? 'keys that GATEWAY_API_KEYS does not have'
          : undefined;
      },
    );
    rule(['BLOB_STORE_URL'], ({ BLOB_STORE_URL: url }) => problemOfBlobStoreUrl(url));
    rule(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'], (keys) =>
      (keys.AWS_ACCESS_KEY_ID === undefined) === (keys.AWS_SECRET_ACCESS_KEY === undefined)
        ? undefined
        : 'both or none',
    );
    rule(['GATEWAY_PORT', 'GATEWAY_OPS_PORT'], ({ GATEWAY_PORT: api, GATEWAY_OPS_PORT: ops }) =>
      api !== 0 && api === ops ? 'two different ports' : undefined,
    );
  });
}

/** `tenant:key` pairs; the variable's pattern has been checked. */
export function parseKeys(pairs: string): { tenant: string; key: string }[] {
  if (pairs === '') return [];
  return pairs.split(',').map((pair) => {
    const [tenant = '', key = ''] = pair.trim().split(':');
    return { tenant, key };
  });
}

/** Injection token of the configuration. */
export const CONFIG = Symbol('GatewayConfig');
