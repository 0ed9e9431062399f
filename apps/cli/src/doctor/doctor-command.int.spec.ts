import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { createBullMqLaneControl } from '@fovea/job-queue/bullmq';
import { createRedisModelRegistry } from '@fovea/model-registry/redis';
import { parseWorkerFile, toModelPackage } from '@fovea/model-registry/worker-file';
import { connectRedis } from '@fovea/redis';
import { describeIf, freePort, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { exitCodes } from '../failure.js';
import { run } from '../program.js';
import { fakeTerminal } from '../testing/fake-terminal.js';
import { answerJson, type ScriptedGateway, scriptedGateway } from '../testing/scripted-gateway.js';
import type { Finding } from './finding.js';

const password = 'hunter2-of-redis';
const engineKey = 'hunter2-of-the-engine';

describeIf(redisBinary, 'fovea doctor', () => {
  let server: RedisServer;
  let redis: Redis;
  let engine: FakeVllm;
  let gateway: ScriptedGateway;
  let folder: string;
  let env: Record<string, string>;
  /** How the gateway answers `/v1/model-settings`. */
  let settings: { status: number; body: unknown };

  beforeAll(async () => {
    server = await startRedisServer({ appendOnly: true });
    redis = connectRedis({ url: server.url, clientName: 'spec' }, 'worker');
    await redis.config('SET', 'requirepass', password);
    await redis.auth(password);
    engine = await startFakeVllm({ model: 'vlm', apiKey: engineKey });
    gateway = await scriptedGateway(({ path }, response) => {
      if (path === '/health') answerJson(response, 200, { status: 'ok' });
      else answerJson(response, settings.status, settings.body);
    });
    folder = await mkdtemp(join(tmpdir(), 'fovea-doctor-'));
    await mkdir(join(folder, 'blobs'));
    await mkdir(join(folder, 'workers'));
  });
  afterAll(async () => {
    redis.disconnect();
    await gateway[Symbol.asyncDispose]();
    await engine.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const workerText = (): string => `edition = 1
[generator]
type = "vllm"
url = "${engine.url}"
api_key_file = "key"
media_path = "${folder}/blobs"
[queue]
checkpoint_name = "vlm-checkpoint"
version = 1
[queue.models.vlm]
chat_task.supported = true
`;
  const registryOf = (graceS = 10) =>
    createRedisModelRegistry({
      redis: { url: env.REDIS_URL ?? '', clientName: 'spec' },
      role: 'worker',
      graceS,
    });
  const register = async (): Promise<void> => {
    const registry = registryOf();
    const facts = { maxModelLen: 4096, imageProcessor: null };
    const modelPackage = toModelPackage(parseWorkerFile(workerText(), '/w.toml'), facts);
    await registry.register({ package: modelPackage, workerId: 'w' });
    await registry.close();
  };

  beforeEach(async () => {
    await redis.flushall();
    settings = { status: 200, body: [{ name: 'vlm', status: 'available', chat: true }] };
    await writeFile(join(folder, 'workers', 'vlm.toml'), workerText());
    await writeFile(join(folder, 'workers', 'key'), `${engineKey}\n`);
    const ports = await Promise.all([1, 2, 3, 4].map(freePort));
    const [gatewayPort, opsPort, adapterPort, shimPort] = ports.map(String);
    env = {
      npm_config_user_agent: 'npm/11.0.0 node/v20',
      FOVEA_URL: gateway.url,
      FOVEA_API_KEY: 'hunter2-of-the-gateway',
      FOVEA_WORKERS: join(folder, 'workers'),
      REDIS_URL: server.url.replace('redis://', `redis://:${password}@`),
      BLOB_STORE_URL: `file://${folder}/blobs`,
      GATEWAY_PORT: gatewayPort ?? '',
      GATEWAY_OPS_PORT: opsPort ?? '',
      ADAPTER_OPS_PORT: adapterPort ?? '',
      SHIM_PORT: shimPort ?? '',
    };
    await register();
  });

  /** What it says with these variables besides; nothing of it may hold a secret. */
  const doctor = async (changes: Record<string, string> = {}) => {
    const terminal = fakeTerminal({ env: { ...env, ...changes }, cwd: folder });
    const exitCode = await run(['doctor', '--json'], terminal);
    expect(terminal.stdout.text + terminal.stderr.text).not.toContain('hunter2');
    const findings: Finding[] = JSON.parse(terminal.stdout.text);
    const of = (level: Finding['level']) =>
      findings.filter((each) => each.level === level).map(({ subject, message }) => `${subject}: ${message}`);
    for (const finding of findings) if (finding.level !== 'ok') expect(finding.fix).toMatch(/\w/);
    return { exitCode, fail: of('fail'), warn: of('warn'), ok: of('ok') };
  };

  it('finds nothing to mend in a deployment that is well', async () => {
    const { exitCode, fail, warn, ok } = await doctor();
    expect({ fail, warn }).toEqual({ fail: [], warn: [] });
    expect(exitCode).toBe(exitCodes.done);
    expect(ok).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^runtime: Node \d/),
        expect.stringMatching(/^redis: \w+ \d+\.\d+\S* answers/),
        'redis: maxmemory-policy is noeviction.',
        'redis: It keeps an append-only file.',
        'redis: It asks for a password.',
        'redis: The clock of Redis agrees with this host’s.',
        'leftovers: Every worker that is listed was heard of lately.',
        'blobs: Nothing in it is overdue.',
        `worker vlm.toml: ${new URL(engine.url).host} serves vlm.`,
        'worker vlm.toml: media_path is the blob folder.',
        'gateway: It takes the key and serves vlm.',
      ]),
    );
  });

  it('prints a line for each finding, its fix below it, and how many there are', async () => {
    const terminal = fakeTerminal({ env: { ...env, BLOB_STORE_URL: 'file:///nowhere/at/all' }, cwd: folder });
    expect(await run(['doctor'], terminal)).toBe(exitCodes.failed);
    expect(terminal.stdout.text).toMatch(
      /^fail {2}blobs +The blob store cannot be used from here: .*\n +→ Check BLOB/m,
    );
    expect(terminal.stdout.text).toMatch(/\n\d+ ok, \d+ to look at, 1 to mend\.\n$/);
  });

  it('names what of Redis endangers requests', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await redis.config('SET', 'appendonly', 'no');
    await redis.config('SET', 'maxmemory', '1mb');
    try {
      const { exitCode, fail, warn } = await doctor();
      expect(exitCode).toBe(exitCodes.failed);
      expect(fail).toEqual(['redis: maxmemory-policy is allkeys-lru: it may throw away requests.']);
      expect(warn).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^redis: It uses \d+ MiB of 1 MiB/),
          expect.stringMatching(/^redis: It keeps no append-only file/),
        ]),
      );
    } finally {
      await redis.config('SET', 'maxmemory', '0');
      await redis.config('SET', 'maxmemory-policy', 'noeviction');
      await redis.config('SET', 'appendonly', 'yes');
    }
  });

  it.each([
    [
      'a wrong password',
      (url: string) => url.replace(password, 'hunter2-wrong'),
      'does not take the password',
    ],
    [
      'no password',
      (url: string) => url.replace(`:${password}@`, ''),
      'asks for a password that REDIS_URL does not have',
    ],
    ['nobody there', () => 'redis://:hunter2@127.0.0.1:1', 'connection refused'],
    ['no address', () => 'hunter2', 'REDIS_URL must be redis://'],
  ])('says why Redis cannot be used: %s', async (_what, change, reason) => {
    const { exitCode, fail } = await doctor({ REDIS_URL: change(env.REDIS_URL ?? '') });
    expect(exitCode).toBe(exitCodes.failed);
    expect(fail).toEqual([expect.stringContaining(reason)]);
  });

  it('names lanes that are held, workers that have gone, packages without one, and what never lapses', async () => {
    const control = createBullMqLaneControl({ url: env.REDIS_URL ?? '', clientName: 'spec' });
    await control.setState({ checkpoint: 'vlm-checkpoint', kind: 'text' }, 'paused');
    await control.close();
    await redis.zadd('{models}:presence', 1_000, 'vlm-checkpoint:1:w');
    await redis.set('{r:0199-everlasting}:log', 'x');
    await redis.set('{r:0199-passing}:log', 'x', 'EX', 60);
    const { warn, fail } = await doctor();
    expect(fail).toEqual([]);
    expect(warn).toEqual(
      expect.arrayContaining([
        'leftovers: 1 worker has gone without signing off.',
        'leftovers: Checkpoint vlm-checkpoint is registered and has no worker.',
        'leftovers: Lane vlm-checkpoint/text is paused, with 0 waiting.',
        'leftovers: Something of 1 requests is kept without an end.',
      ]),
    );
  });

  it('names an engine that is away, ill, locked, or serves something else', async () => {
    const away = await doctor({ ADAPTER_ENGINE_URL: 'http://127.0.0.1:1' });
    expect(away.fail).toEqual(['worker vlm.toml: No engine answers at 127.0.0.1:1 (connection refused).']);
    await writeFile(join(folder, 'workers', 'key'), 'hunter2-wrong');
    expect((await doctor()).fail).toEqual([
      expect.stringMatching(/^worker vlm\.toml: The engine at .* refuses the key\.$/),
    ]);
    await using other = await scriptedGateway(({ path }, response) =>
      path === '/health'
        ? void response.writeHead(503).end()
        : answerJson(response, 200, { data: [{ id: 'a' }, { id: 'b' }] }),
    );
    expect((await doctor({ ADAPTER_ENGINE_URL: other.url })).fail).toEqual([
      expect.stringMatching(/says that it is not healthy \(503\)/),
      expect.stringMatching(/does not serve vlm; it lists a, b\.$/),
    ]);
  });

  it('points at a worker file that is bad', async () => {
    await writeFile(join(folder, 'workers', 'vlm.toml'), 'edition = 1\n');
    const { exitCode, fail } = await doctor();
    expect(exitCode).toBe(exitCodes.failed);
    expect(fail).toEqual(['worker vlm.toml: Its worker-adapter would not start (2 problems).']);
  });

  it('names a gateway that is away, is something else, or refuses the key', async () => {
    const away = await doctor({ FOVEA_URL: 'http://127.0.0.1:1' });
    expect(away.fail).toEqual(['gateway: No gateway answers at http://127.0.0.1:1 (connection refused).']);
    await using other = await scriptedGateway((_request, response) => void response.end('<html>'));
    expect((await doctor({ FOVEA_URL: other.url })).fail).toEqual([expect.stringContaining('is no gateway')]);
    settings = { status: 401, body: {} };
    expect((await doctor()).fail).toEqual(['gateway: It refuses the key.']);
    settings = { status: 503, body: {} };
    expect((await doctor()).fail).toEqual(['gateway: It does not reach Redis.']);
  });

  it('names a port that another program has', async () => {
    const stranger = createServer((_request, response) => void response.writeHead(404).end());
    await new Promise<void>((listening) => stranger.listen(Number(env.SHIM_PORT), '127.0.0.1', listening));
    try {
      expect((await doctor()).warn).toEqual([
        `ports: Port ${env.SHIM_PORT} (shim) is taken by another program.`,
      ]);
    } finally {
      stranger.closeAllConnections();
      await new Promise((closed) => stranger.close(closed));
    }
  });

  it('looks at what runs the shim only where a worker file needs it', async () => {
    await writeFile(join(folder, 'workers', 'vlm.toml'), workerText().replace('"vllm"', '"onnx"'));
    const { ok } = await doctor({ npm_config_user_agent: '' });
    expect(ok).toContainEqual(expect.stringMatching(/^runtime: npm \d+\./));
    expect(ok).toContainEqual(expect.stringMatching(/^runtime: ONNX Runtime \d+\.\d+\.\d+ loads\.$/));
    await writeFile(join(folder, 'workers', 'vlm.toml'), workerText());
    expect((await doctor()).ok.join()).not.toContain('ONNX');
  });

  it('says what it could not look at', async () => {
    const { exitCode, fail, warn } = await doctor({
      REDIS_URL: '',
      BLOB_STORE_URL: '',
      FOVEA_API_KEY: '',
      FOVEA_WORKERS: join(folder, 'blobs'),
    });
    expect({ exitCode, fail }).toEqual({ exitCode: exitCodes.done, fail: [] });
    expect(warn).toEqual([
      'redis: No Redis is named, so none was looked at.',
      'blobs: No blob store is named, so none was looked at.',
      expect.stringMatching(/^workers: There is no worker file in /),
      'gateway: There is no key to ask it with.',
    ]);
  });
});
