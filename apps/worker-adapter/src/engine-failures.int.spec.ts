import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { createLogger } from '@fovea/observability';
import { connectRedis } from '@fovea/redis';
import type { GenerationEvent } from '@fovea/schemas/events';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type ComposedWorker, composeWorker } from './compose.js';
import { FakeGateway, textOf } from './fakes/fake-gateway.js';
import { readWorkerConfig } from './worker.config.js';
import { readWorkerSettings } from './worker-settings.js';

const logger = createLogger({ service: 'worker-adapter', level: 'silent' });

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAtMs = performance.now() + 45_000;
  while (!(await condition())) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const workerToml = `
edition = 1
[generator]
type = "vllm"
[queue]
checkpoint_name = "tiny"
version = 1
[queue.models.tiny]
multimodal_enabled = true
maximum_completion_tokens = 64
[queue.models.tiny.chat_task]
supported = true
`;

describeIf(redisBinary, 'engines that hang, fail and die', () => {
  let redis: RedisServer;
  let folder: string;
  let engines: FakeVllm[];
  let gateway: FakeGateway;
  let workers: ComposedWorker[];

  beforeEach(async () => {
    redis = await startRedisServer();
    folder = await mkdtemp(join(tmpdir(), 'fovea-failures-'));
    await mkdir(join(folder, 'blobs'));
    gateway = new FakeGateway(redis.url, join(folder, 'blobs'), 'tiny');
    engines = [];
    workers = [];
  });
  afterEach(async () => {
    const force = new AbortController().signal;
    await Promise.all(workers.map((worker) => worker.close({ drainMs: 1, force })));
    await gateway.close();
    await Promise.all(engines.map((engine) => engine.close()));
    await rm(folder, { recursive: true });
    await redis.stop();
  });

  const startEngines = async (count: number): Promise<FakeVllm[]> => {
    engines = await Promise.all(Array.from({ length: count }, () => startFakeVllm({ model: 'tiny' })));
    return engines;
  };
  const startWorker = async (env: Record<string, string> = {}): Promise<void> => {
    const path = join(folder, 'worker.toml');
    await writeFile(path, workerToml);
    const config = readWorkerConfig({
      BLOB_STORE_URL: `file://${folder}/blobs`,
      BLOB_LINGER_S: '0',
      REDIS_URL: redis.url,
      ADAPTER_ENGINE_URL: engines.map(({ url }) => url).join(),
      ADAPTER_OPS_PORT: '0',
      ADAPTER_LOAD_POLL_S: '0.05',
      ...env,
    });
    const onRefused = (error: Error): void => {
      throw error;
    };
    const settings = await readWorkerSettings(path, config);
    const worker = await composeWorker({ config, settings, logger, onRefused });
    workers.push(worker);
    worker.start();
    await until('the worker to be ready', async () => (await readiness(worker)).ready);
  };

  const ops = (path: string, worker = workers[0]): Promise<Response> =>
    fetch(`http://127.0.0.1:${worker?.opsPort}${path}`);
  const readiness = async (
    worker?: ComposedWorker,
  ): Promise<{ ready: boolean; checks: Record<string, string> }> =>
    (await (await ops('/health/ready', worker)).json()) as {
      ready: boolean;
      checks: Record<string, string>;
    };
  const untilCheck = (name: string, state: string): Promise<void> =>
    until(`${name} to be ${state}`, async () => (await readiness()).checks[name] === state);
  const metric = async (name: string, labels: string, worker?: ComposedWorker): Promise<number> => {
    const text = await (await ops('/metrics', worker)).text();
    const line = text.split('\n').find((entry) => entry.startsWith(`${name}{${labels},service=`));
    return Number(line?.split(' ')[1] ?? 0);
  };
  const total = async (name: string): Promise<number> => {
    const all = workers.flatMap((worker) =>
      engines.map((_engine, index) => metric(name, `engine="${index}"`, worker)),
    );
    return (await Promise.all(all)).reduce((sum, value) => sum + value, 0);
  };
  const hold = (match: string, afterTokens = 0): void => {
    for (const engine of engines) {
      engine.script({ match, times: 'always', behaviour: { hold: { afterTokens, gate: match } } });
    }
  };
  const release = (gate: string): void => {
    for (const engine of engines) engine.release(gate);
  };
  const running = (): number => engines.reduce((sum, { counters }) => sum + counters.running, 0);
  const askMany = (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => gateway.ask(`innocent ${index}`)));
  const ends = async (ids: readonly string[]): Promise<(GenerationEvent | undefined)[]> =>
    Promise.all(ids.map(async (id) => (await gateway.answer(id)).at(-1)));
  const refused = { type: 'error', code: 'BACKEND_ERROR', mayRetry: false };

  it('runs what hangs on one engine on the other, and uses the first one again when it lives', async () => {
    const [first, second] = (await startEngines(2)) as [FakeVllm, FakeVllm];
    await startWorker({ ADAPTER_ENGINE_STALL_S: '2' });
    second.setOverload(true);
    // Its tokens are the progress of the first engine until that hangs.
    const tokens = Array.from({ length: 2_000 }, () => 'on ');
    first.script({ match: 'begun', behaviour: { tokens, interTokenMs: 20 } });
    const begun = await gateway.ask('begun');
    first.script({ match: 'silent', behaviour: { hold: { afterTokens: 0, gate: 'silent' } } });
    const silent = await gateway.ask('silent');
    await first.waitFor('held', { gate: 'silent' });
    await first.waitFor('token', { text: 'begun' });
    first.hangEngine();
    second.setOverload(false);
    const answer = await gateway.answer(begun);
    expect(answer.at(-1)).toMatchObject({ type: 'error', code: 'STREAM_INTERRUPTED' });
    expect(textOf(await gateway.answer(silent))).toContain('silent');
    expect(second.requests.at(-1)?.lastUserText).toBe('silent');
    await untilCheck('engine 0', 'makes no progress');
    expect((await readiness()).ready).toBe(true);
    expect(await ends(await askMany(4))).toMatchObject(Array(4).fill({ type: 'generation-end' }));
    expect(await metric('fovea_engine_stalls_total', 'engine="0"')).toBe(1);
    expect(await total('fovea_engine_deaths_total')).toBe(0);
    expect(first.requests).toHaveLength(2);
    first.resumeEngine();
    await untilCheck('engine 0', 'ok');
    await until('it to be used', async () => {
      await ends(await askMany(4));
      return (await metric('fovea_engine_condition', 'engine="0",condition="fit"')) === 1;
    });
  }, 300_000);

  it('leaves an engine alone that fails all it is given, although its health is green', async () => {
    const [engine] = (await startEngines(1)) as [FakeVllm];
    await startWorker();
    const fault = { kind: 'late-error', afterTokens: 0, message: 'CUDA error' } as const;
    engine.script({ times: 6, behaviour: { hold: { afterTokens: 0, gate: 'fail' }, fault } });
    const ids = await askMany(6);
    await until('all to run', () => running() === 6);
    release('fail');
    expect(await ends(ids)).toMatchObject(Array(6).fill({ type: 'generation-end' }));
    await untilCheck('engine', 'ok');
    expect(await total('fovea_engine_breaker_openings_total')).toBe(1);
    expect(await total('fovea_engine_deaths_total')).toBe(0);
  }, 300_000);

  const deaths: [string, (engine: FakeVllm) => Promise<void>][] = [
    ['crashes', (engine) => engine.crash({ restartAfterMs: 300 })],
    ['crashes and is back before anybody looks', (engine) => engine.crash({ restartAfterMs: 0 })],
    [
      'dies as vLLM does',
      async (engine) => {
        engine.die();
        await until('its health to be red', async () => (await fetch(`${engine.url}/health`)).status === 503);
        await engine.restart();
      },
    ],
  ];

  it.each(deaths)(
    'refuses a request by which its engine %s, and answers those beside it',
    async (_how, end) => {
      const [engine] = (await startEngines(1)) as [FakeVllm];
      await startWorker();
      hold('innocent');
      hold('poison');
      const innocent = await askMany(10);
      const poison = await gateway.ask('poison');
      await until('all to run', () => running() === 11);
      await end(engine);
      release('innocent');
      await engine.waitFor('held', { gate: 'poison', count: 2, timeoutMs: 60_000 });
      await end(engine);
      expect(await ends([poison])).toMatchObject([refused]);
      expect(await ends(innocent)).toMatchObject(Array(10).fill({ type: 'generation-end' }));
      expect(await total('fovea_engine_deaths_total')).toBe(2);
      expect(await total('fovea_requests_condemned_total')).toBe(1);
      expect(engine.requests.filter(({ lastUserText }) => lastUserText === 'poison')).toHaveLength(2);
    },
    300_000,
  );

  it('needs no third engine to know a request that ends engines', async () => {
    await startEngines(2);
    await startWorker();
    hold('innocent');
    hold('poison');
    const innocent = await askMany(10);
    const poison = await gateway.ask('poison');
    await until('all to run', () => running() === 11);
    const holder = (): FakeVllm | undefined =>
      engines.find((engine) => engine.requests.at(-1)?.lastUserText === 'poison');
    const first = engines.find(({ requests }) =>
      requests.some(({ lastUserText }) => lastUserText === 'poison'),
    );
    const second = engines.find((engine) => engine !== first);
    await first?.crash();
    release('innocent');
    await second?.waitFor('held', { gate: 'poison' });
    expect(holder()).toBeDefined();
    await second?.crash({ restartAfterMs: 0 });
    await first?.restart();
    expect(await ends([poison])).toMatchObject([refused]);
    expect(await ends(innocent)).toMatchObject(Array(10).fill({ type: 'generation-end' }));
    expect(await total('fovea_requests_condemned_total')).toBe(1);
  }, 300_000);

  it('charges nobody else when two workers share the engine that dies', async () => {
    const [engine] = (await startEngines(1)) as [FakeVllm];
    await startWorker({ ADAPTER_TEXT_SLOTS: '6' });
    await startWorker({ ADAPTER_TEXT_SLOTS: '6' });
    hold('innocent');
    hold('poison');
    const innocent = await askMany(10);
    const poison = await gateway.ask('poison');
    await until('all to run', () => running() === 11);
    await engine.crash({ restartAfterMs: 0 });
    release('innocent');
    await engine.waitFor('held', { gate: 'poison', count: 2, timeoutMs: 60_000 });
    await engine.crash({ restartAfterMs: 0 });
    expect(await ends([poison])).toMatchObject([refused]);
    expect(await ends(innocent)).toMatchObject(Array(10).fill({ type: 'generation-end' }));
    expect(await total('fovea_requests_condemned_total')).toBe(1);
  }, 300_000);

  it('ends each of many faulty requests once, and keeps no slot, run or trial of them', async () => {
    await startEngines(2);
    await startWorker({ ADAPTER_ENGINE_STALL_S: '0.5' });
    const faults = [
      { kind: 'reset' },
      { kind: 'reset', afterTokens: 1 },
      { kind: 'garbage' },
      { kind: 'half-close', afterTokens: 2 },
      { kind: 'status', status: 500, message: 'CUDA error' },
      { kind: 'status', status: 503, message: 'full' },
      { kind: 'status', status: 400, message: 'no' },
      { kind: 'leading-error', status: 400, message: 'no' },
      { kind: 'late-error', afterTokens: 1 },
      { kind: 'only-done' },
      { kind: 'missing-finish' },
      { kind: 'hang', afterTokens: 1 },
    ] as const;
    for (const engine of engines) {
      for (const fault of faults) engine.script({ match: 'faulty', times: 5, behaviour: { fault } });
    }
    const ids: string[] = [];
    for (let batch = 0; batch < 5; batch++) {
      const asked = Array.from({ length: 40 }, (_, index) =>
        gateway.ask(`${index % 4 === 0 ? 'faulty' : 'fine'} ${batch} ${index}`),
      );
      ids.push(...(await Promise.all(asked)));
      if (batch === 2) await engines[0]?.crash({ restartAfterMs: 100 });
    }
    for (const end of await ends(ids)) {
      if (end?.type === 'error') expect(end.code).toMatch(/BACKEND_ERROR|INVALID_REQUEST|STREAM_INTERRUPTED/);
      else expect(end?.type).toBe('generation-end');
    }
    for (const engine of ['0', '1']) {
      await until('it to be fit', async () => {
        await ends(await askMany(4));
        return (await metric('fovea_engine_condition', `engine="${engine}",condition="fit"`)) === 1;
      });
    }
    const client = connectRedis({ url: redis.url, clientName: 'test' }, 'producer');
    await until('nothing to be left', async () => {
      const { waiting, active } = await gateway.queue.depth({ checkpoint: 'tiny', kind: 'text' });
      const trials = await client.keys('quarantine:trial:*');
      const tokens = await total('fovea_engine_tokens_in_use');
      const held = await metric('fovea_jobs_waiting_for_place', 'lane="text"');
      return waiting + active + trials.length + tokens + held + running() === 0;
    }).finally(() => client.disconnect());
    for (const engine of ['0', '1']) {
      expect(await metric('fovea_slots_in_use', `engine="${engine}",lane="text"`)).toBe(0);
    }
  }, 300_000);
});
