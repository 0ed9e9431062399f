import { oneOf, text, type Variables, variable } from '@fovea/config';

/** What only `npm start` and `npm test` read: plain scripts without dependencies, which cannot export a table. */
export const launcherVariables = {
  FOVEA_WORKERS: variable(text().default('models/workers'), {
    help: 'Folder of worker TOML files; `npm start` runs one worker-adapter for each.',
  }),
  FOVEA_REQUIRE: variable(oneOf(['all']).optional(), {
    help: '`all` makes `npm test` fail where it would skip what this machine lacks.',
  }),
} satisfies Variables;

/** What the `fovea` command reads; each has an option that goes before it, but for the key file. */
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
} satisfies Variables;
