import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@fovea/config';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readWorkerConfig } from './worker.config.js';
import { readWorkerSettings } from './worker-settings.js';

const queue = `
[queue]
checkpoint_name = "tiny"
version = 1
[queue.models.tiny]
[queue.models.tiny.chat_task]
supported = true
`;

describe('readWorkerSettings', () => {
  let folder: string;
  const file = (generator: string, more = ''): string => {
    const path = join(folder, 'worker.toml');
    writeFileSync(path, `edition = 1\n[generator]\n${generator}\n${queue}\n${more}`);
    return path;
  };
  const config = (env: Record<string, string> = {}) =>
    readWorkerConfig({ BLOB_STORE_URL: 'file:///blobs', REDIS_URL: 'redis://env:1', ...env });
  const problemsOf = async (reading: Promise<unknown>): Promise<string> => {
    const error = await reading.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof ConfigError)) throw new Error(`expected a ConfigError, got ${String(error)}`);
    return error.format();
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-settings-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes defaults where file and environment are silent', async () => {
    const path = file('type = "vllm"\nurl = "http://engine:8000/"');
    expect(await readWorkerSettings(path, config())).toMatchObject({
      redisUrl: 'redis://env:1',
      engineUrls: ['http://engine:8000'],
      engineApiKey: undefined,
      textSlots: 16,
      mediaSlots: 4,
      tokenBudget: undefined,
      opsPort: 4000,
      drainMs: 310_000,
    });
  });

  it('goes by the file: slots, ports and the Redis address in [queue] url', async () => {
    const path = file(
      'type = "vllm"\nurl = "http://engine:8000"\nmax_num_seqs = 2\ntoken_budget = 9000',
      '[monitoring]\nmetrics_port = 4321',
    );
    const settings = await readWorkerSettings(path, config());
    expect(settings).toMatchObject({ textSlots: 2, mediaSlots: 2, tokenBudget: 9_000, opsPort: 4321 });
    const other = join(folder, 'other.toml');
    writeFileSync(
      other,
      `edition = 1\n[generator]\ntype = "vllm"\nurl = "http://e:1"\n${queue.replace('[queue]', '[queue]\nurl = "redis://file:2"')}`,
    );
    expect((await readWorkerSettings(other, config())).redisUrl).toBe('redis://file:2');
  });

  it('lets the environment override what is local to the host', async () => {
    const path = file('type = "vllm"\nurl = ["http://a:1", "http://b:1"]\nmax_num_seqs = 2');
    const env = {
      ADAPTER_CONFIG: path,
      ADAPTER_ENGINE_URL: 'http://engine:9',
      ADAPTER_ENGINE_API_KEY: 'secret',
      ADAPTER_TEXT_SLOTS: '5',
      ADAPTER_MEDIA_SLOTS: '6',
      ADAPTER_TOKEN_BUDGET: '7000',
      ADAPTER_OPS_PORT: '0',
      ADAPTER_DRAIN_S: '1.5',
    };
    expect(await readWorkerSettings(undefined, config(env))).toMatchObject({
      engineUrls: ['http://engine:9'],
      engineApiKey: 'secret',
      textSlots: 5,
      mediaSlots: 6,
      tokenBudget: 7_000,
      opsPort: 0,
      drainMs: 1_500,
    });
  });

  it('reads the key of the engine from its file', async () => {
    writeFileSync(join(folder, 'key'), 'from-file\n');
    const path = file('type = "vllm"\nurl = "http://e:1"\napi_key_file = "key"');
    expect((await readWorkerSettings(path, config())).engineApiKey).toBe('from-file');
  });

  it('gives the key of the shim to no other engine', async () => {
    const env = { SHIM_API_KEY: 'shim-key' };
    const onnx = await readWorkerSettings(file('type = "onnx"\nurl = "http://e:1"'), config(env));
    expect(onnx.engineApiKey).toBe('shim-key');
    const vllm = await readWorkerSettings(file('type = "vllm"\nurl = "http://e:1"'), config(env));
    expect(vllm.engineApiKey).toBeUndefined();
  });

  it('names everything that is missing at once', async () => {
    const text = await problemsOf(readWorkerSettings(file('type = "vllm"'), config({ REDIS_URL: '' })));
    expect(text).toContain('REDIS_URL');
    expect(text).toContain('ADAPTER_ENGINE_URL');
  });

  it('takes several engines from the file or from the environment', async () => {
    const path = file('type = "vllm"\nurl = ["http://a:1", "http://b:1"]');
    expect((await readWorkerSettings(path, config())).engineUrls).toEqual(['http://a:1', 'http://b:1']);
    const env = config({ ADAPTER_ENGINE_URL: 'http://c:1,http://d:1/' });
    expect((await readWorkerSettings(path, env)).engineUrls).toEqual(['http://c:1', 'http://d:1']);
  });

  it('refuses an engine that is listed twice, and more engines than it has metrics for', async () => {
    const twice = file('type = "vllm"\nurl = ["http://a:1", "http://a:1/"]');
    expect(await problemsOf(readWorkerSettings(twice, config()))).toContain('each engine once');
    const urls = Array.from({ length: 65 }, (_, index) => `http://e${index}:1`).join();
    const many = config({ ADAPTER_ENGINE_URL: urls });
    expect(await problemsOf(readWorkerSettings(twice, many))).toContain('at most 64');
  });

  it.each([
    ['no file is named', undefined, 'ADAPTER_CONFIG'],
    ['the file is not there', '/nowhere/worker.toml', 'ENOENT'],
  ])('says so when %s', async (_what, path, expected) => {
    expect(await problemsOf(readWorkerSettings(path, config()))).toContain(expected);
  });
});
