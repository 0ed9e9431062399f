import { integer, oneOf, text, type Variables, variable } from '@fovea/config';

/** What only `npm start` and `npm test` read: plain scripts without dependencies, which cannot export a table. */
export const launcherVariables = {
  FOVEA_WORKERS: variable(text().default('models/workers'), {
    help: 'Folder of worker TOML files; `npm start` runs one worker-adapter for each. Unset: also for those of models/optional-workers whose models the shim has found.',
  }),
  FOVEA_REQUIRE: variable(oneOf(['all']).optional(), {
    help: '`all` makes `npm test` fail where it would skip what this machine lacks.',
  }),
  FOVEA_PARITY_REQUESTS: variable(integer({ min: 1 }).default(20), {
    help: 'Requests that each parity test of `npm test` compares with transformers.js; one of them compares 200 at least.',
  }),
} satisfies Variables;

/**
 * What the `fovea` command reads for itself. Those of its own have an option that goes before them, but for the key file.
 * `queues` and `doctor` read what gateway and workers read besides.
 */
export const cliVariables = {
  FOVEA_URL: variable(text().default('http://127.0.0.1:8080'), { help: 'Address of the gateway (`--url`).' }),
  FOVEA_API_KEY: variable(text().optional(), {
    help: 'Key to send (`--key`).',
    secret: true,
    defaultText: 'the key in `.fovea/api-key` of the checkout, for a gateway on this machine',
  }),
  FOVEA_MODEL: variable(text().optional(), {
    help: 'Model to ask (`--model`).',
    defaultText: 'the first available one that fits',
  }),
  REDIS_URL: variable(text().optional(), {
    help: 'The Redis of gateway and workers, for `fovea queues` and `fovea doctor`.',
    secret: true,
    defaultText: 'that of the `npm start` that runs in the checkout',
  }),
  BLOB_STORE_URL: variable(text().optional(), {
    help: 'The blob store of gateway and workers, for `fovea doctor`.',
    defaultText: 'that of the `npm start` that runs in the checkout',
  }),
  NO_COLOR: variable(text().optional(), { help: 'Set to anything: no colours on a terminal either.' }),
  HF_TOKEN: variable(text().optional(), {
    help: 'Token for models that `fovea models pull` may not read without one.',
    secret: true,
  }),
  HF_ENDPOINT: variable(text().default('https://huggingface.co'), {
    help: 'The hub that `fovea models pull` asks.',
  }),
} satisfies Variables;
