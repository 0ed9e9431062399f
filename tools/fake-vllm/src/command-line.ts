import { parseArgs } from 'node:util';
import { type DialectName, dialectNames } from './dialect.js';
import { type Task, tasks } from './engine/engine-options.js';
import type { FakeVllmOptions } from './index.js';

const text = { type: 'string' } as const;
const list = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean' } as const;

/** Flags with a number, and the option each sets. */
const numbers = {
  port: 'port',
  'admin-port': 'adminPort',
  'max-model-len': 'maxModelLen',
  'max-num-seqs': 'maxRunning',
  'max-num-queued-reqs': 'maxWaiting',
  'limit-images': 'maxImagesPerPrompt',
  'max-tokens-per-image': 'maxTokensPerImage',
  'max-image-pixels': 'maxImagePixels',
  'mm-cache-items': 'mmCacheItems',
  'kv-cache-tokens': 'kvCacheTokens',
  'ttft-ms': 'ttftMs',
  'inter-token-ms': 'interTokenMs',
  'prefill-ms-per-token': 'prefillMsPerToken',
  'time-factor-under-load': 'timeFactorUnderLoad',
  'preprocess-ms-per-image': 'preprocessMsPerImage',
  'keep-alive-ms': 'keepAliveTimeoutMs',
  'death-grace-ms': 'deathGraceMs',
  'embedding-size': 'embeddingSize',
  'data-parallel-size': 'dataParallelSize',
} as const satisfies Readonly<Record<string, keyof FakeVllmOptions>>;

/** Flags that turn something on, and the option each sets. */
const switches = {
  'enable-prompt-tokens-details': 'promptTokensDetails',
  'enable-force-include-usage': 'forceIncludeUsage',
  'enable-request-id-headers': 'requestIdHeaders',
  'enable-server-load-tracking': 'trackLoad',
} as const satisfies Readonly<Record<string, keyof FakeVllmOptions>>;

const flags = {
  ...Object.fromEntries(Object.keys(numbers).map((name) => [name, text])),
  ...Object.fromEntries(Object.keys(switches).map((name) => [name, flag])),
  host: text,
  model: text,
  alias: list,
  lora: list,
  dialect: text,
  task: list,
  'allowed-local-media-path': text,
  'tokens-per-image': text,
  'api-key': text,
  'text-only': flag,
  'no-auto-tool-choice': flag,
  'exit-on-crash': flag,
} as const;

export interface CommandLine {
  readonly options: FakeVllmOptions;
  /** End the process when the engine crashes or dies, in place of refusing connections. */
  readonly exitOnCrash: boolean;
}

function numberOf(name: string, value: unknown): number {
  const number = Number(value);
  if (value === '' || !Number.isFinite(number) || number < 0) {
    throw new Error(`--${name} has to be a number of at least 0, not ${String(value)}`);
  }
  return number;
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Error(`--${name} has to be one of ${allowed.join(', ')}, not ${value}`);
  return found;
}

/** Reads the flags; throws an `Error` that names the flag. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values } = parseArgs({ args: [...args], options: flags });
  const given: Readonly<Record<string, unknown>> = values;
  const set = <T>(name: string, use: (value: string) => T): Partial<T> => {
    const value = given[name];
    return typeof value === 'string' ? use(value) : {};
  };
  const fromNumbers = Object.entries(numbers).filter(([name]) => given[name] !== undefined);
  const fromSwitches = Object.entries(switches).filter(([name]) => given[name] === true);
  const taskNames = values.task?.map((name): Task => oneOf('task', name, tasks));
  const options: FakeVllmOptions = {
    port: 8000,
    ...Object.fromEntries(fromNumbers.map(([name, option]) => [option, numberOf(name, given[name])])),
    ...Object.fromEntries(fromSwitches.map(([, option]) => [option, true])),
    ...set('host', (host) => ({ host })),
    ...set('model', (model) => ({ model })),
    ...set('api-key', (apiKey) => ({ apiKey })),
    ...set('allowed-local-media-path', (path) => ({ allowedLocalMediaPath: path })),
    ...set('dialect', (name) => ({ dialect: oneOf<DialectName>('dialect', name, dialectNames) })),
    ...set('tokens-per-image', (value) => {
      const tokens = numberOf('tokens-per-image', value);
      return { imageTokens: () => tokens };
    }),
    ...(values.alias === undefined ? {} : { aliases: values.alias }),
    ...(values.lora === undefined ? {} : { loraModels: values.lora }),
    ...(taskNames === undefined ? {} : { tasks: taskNames }),
    multimodal: values['text-only'] !== true,
    autoToolChoice: values['no-auto-tool-choice'] !== true,
  };
  return { options, exitOnCrash: values['exit-on-crash'] === true };
}
