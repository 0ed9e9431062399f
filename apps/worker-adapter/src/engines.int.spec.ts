import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeVllm, type FakeVllmOptions, startFakeVllm } from '@fovea/fake-vllm';
import { createLogger } from '@fovea/observability';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
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

describeIf(redisBinary, 'a worker and its engines', () => {
  let redis: RedisServer;
  let folder: string;
  let engines: FakeVllm[];
  let gateway: FakeGateway;
  let worker: ComposedWorker;

  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis?.stop());

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-engines-'));
    await mkdir(join(folder, 'blobs'));
    gateway = new FakeGateway(redis.url, join(folder, 'blobs'), 'tiny');
  });
  afterEach(async () => {
    await worker.close({ drainMs: 1, force: new AbortController().signal });
    await gateway.close();
    for (const engine of engines) await engine.close();
    await rm(folder, { recursive: true });
  });

  const startEngines = async (...options: FakeVllmOptions[]): Promise<void> => {
    engines = await Promise.all(options.map((each) => startFakeVllm({ model: 'tiny', ...each })));
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
    const settings = await readWorkerSettings(path, config);
    const onRefused = (error: Error): void => {
      throw error;
    };
    worker = await composeWorker({ config, settings, logger, onRefused });
    worker.start();
    await until('the worker to be ready', async () => (await readiness()).ready);
  };

  const ops = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${worker.opsPort}${path}`);
  const readiness = async (): Promise<{ ready: boolean; checks: Record<string, string> }> =>
    (await (await ops('/health/ready')).json()) as { ready: boolean; checks: Record<string, string> };
  const untilCheck = (name: string, state: string): Promise<void> =>
    until(`${name} to be ${state}`, async () => (await readiness()).checks[name] === state);
  const metric = async (name: string, labels: string): Promise<number> => {
    const text = await (await ops('/metrics')).text();
    const line = text.split('\n').find((entry) => entry.startsWith(`${name}{${labels},service=`));
    return Number(line?.split(' ')[1]);
  };
  const hold = (match: string): void => {
    for (const engine of engines) {
      engine.script({ match, times: 'always', behaviour: { hold: { afterTokens: 0, gate: match } } });
    }
  };
  const release = (gate: string): void => {
    for (const engine of engines) engine.release(gate);
  };
  const running = (): number => engines.reduce((sum, { counters }) => sum + counters.running, 0);
  const ends = async (ids: readonly string[]): Promise<(string | undefined)[]> =>
    Promise.all(ids.map(async (id) => (await gateway.answer(id)).at(-1)?.type));

  it('shares its jobs between two engines', async () => {
    await startEngines({}, {});
    await startWorker();
    hold('share');
    const ids = await Promise.all(
      ['share 1', 'share 2', 'share 3', 'share 4'].map((text) => gateway.ask(text)),
    );
    await until('four to run', () => running() === 4);
    expect(engines.map(({ counters }) => counters.running)).toEqual([2, 2]);
    expect(await metric('fovea_slots_in_use', 'engine="1",lane="text"')).toBe(2);
    release('share');
    expect(await ends(ids)).toEqual(Array(4).fill('generation-end'));
  });

  it('gives the jobs of an engine that died to the other one, and uses it again when it is back', async () => {
    await startEngines({}, {});
    await startWorker();
    hold('orphans');
    const ids = await Promise.all(['orphans 1', 'orphans 2'].map((text) => gateway.ask(text)));
    await until('one on each', () => engines.every(({ counters }) => counters.running === 1));
    const [first, second] = engines as [FakeVllm, FakeVllm];
    await first.close();
    await until('both on the second', () => second.counters.running === 2);
    await untilCheck('engine 0', 'its process died');
    expect(await readiness()).toMatchObject({ ready: true, checks: { engine: 'ok', 'engine 1': 'ok' } });
    expect(await gateway.modelStatus()).toBe('available');
    release('orphans');
    const answers = await Promise.all(ids.map((id) => gateway.answer(id)));
    const attempts = answers.map(([event]) => (event?.type === 'generation-start' ? event.attempt : 0));
    expect(attempts.sort()).toEqual([1, 2]);
    engines[0] = await startFakeVllm({ model: 'tiny', port: first.port });
    await untilCheck('engine 0', 'ok');
    expect(textOf(await gateway.answer(await gateway.ask('who answers')))).toContain('who answers');
    expect(engines[0].requests).toHaveLength(1);
  });

  it('leaves out an engine with another context length, and says so', async () => {
    await startEngines({}, { maxModelLen: 4_096 });
    const [first, second] = engines as [FakeVllm, FakeVllm];
    second.setHealthy(false);
    await startWorker();
    second.setHealthy(true);
    await untilCheck('engine 1', 'serves max_model_len 4096, the others 8192');
    expect((await readiness()).ready).toBe(true);
    const ids = await Promise.all(['one', 'two', 'three'].map((text) => gateway.ask(text)));
    expect(await ends(ids)).toEqual(Array(3).fill('generation-end'));
    expect([first.requests.length, second.requests.length]).toEqual([3, 0]);
  });

  it('gives an engine nothing while too many requests wait in it', async () => {
    await startEngines({ maxRunning: 1 });
    await startWorker({ ADAPTER_TOKEN_BUDGET: '100000' });
    hold('busy');
    const ask = (count: number): Promise<string[]> =>
      Promise.all(Array.from({ length: count }, (_, index) => gateway.ask(`busy ${index}`)));
    const first = await ask(6);
    await until(
      'the brake',
      async () => (await metric('fovea_engine_brake', 'engine="0",reason="load"')) === 1,
    );
    const later = await ask(3);
    expect(await metric('fovea_engine_requests_waiting', 'engine="0"')).toBe(5);
    const lane = { checkpoint: 'tiny', kind: 'text' } as const;
    const { waiting } = await gateway.queue.depth(lane);
    // At most one was on its way when the brake came; it is held, and the engine does not see it.
    expect(waiting).toBeGreaterThanOrEqual(2);
    expect(engines[0]?.requests).toHaveLength(6);
    release('busy');
    expect(await ends([...first, ...later])).toEqual(Array(9).fill('generation-end'));
    await until('the figures to be gone', async () =>
      Number.isNaN(await metric('fovea_engine_requests_waiting', 'engine="0"')),
    );
  });

  it('answers a job that its engine turned away, in the first attempt, and gives the engine less', async () => {
    await startEngines({});
    await startWorker();
    const refusal = { kind: 'status', status: 503, message: 'The engine queue is full.' } as const;
    engines[0]?.script({ times: 2, behaviour: { fault: refusal } });
    const answer = await gateway.answer(await gateway.ask('patience'));
    expect(answer[0]).toMatchObject({ type: 'generation-start', attempt: 1 });
    expect(answer.at(-1)?.type).toBe('generation-end');
    expect(await metric('fovea_engine_refusals_total', 'engine="0"')).toBe(2);
    expect(await metric('fovea_slots_effective', 'engine="0",lane="text"')).toBeLessThan(16);
  });

  it('runs a job that one engine turned away on the other at once', async () => {
    await startEngines({}, {});
    await startWorker();
    const refusal = { kind: 'status', status: 503, message: 'full', retryAfter: '600' } as const;
    engines[0]?.script({ times: 'always', behaviour: { fault: refusal } });
    const ids = await Promise.all(['one', 'two', 'three'].map((text) => gateway.ask(text)));
    expect(await ends(ids)).toEqual(Array(3).fill('generation-end'));
    expect(engines[1]?.requests).toHaveLength(3);
    expect(await metric('fovea_engine_brake', 'engine="0",reason="refusal"')).toBe(1);
  });

  it('brings every job through an engine that turns most of them away, each in its first attempt', async () => {
    await startEngines({ maxRunning: 6, maxWaiting: 0, ttftMs: 20 });
    await startWorker({ ADAPTER_TOKEN_BUDGET: '100000' });
    const ids = await Promise.all(
      Array.from({ length: 24 }, (_, index) => gateway.ask(`crowd ${index}`, { picture: index % 4 === 0 })),
    );
    const answers = await Promise.all(ids.map((id) => gateway.answer(id)));
    for (const answer of answers) {
      expect(answer[0]).toMatchObject({ type: 'generation-start', attempt: 1 });
      expect(answer.at(-1)?.type).toBe('generation-end');
    }
    expect(await metric('fovea_engine_refusals_total', 'engine="0"')).toBeGreaterThan(0);
    await until(
      'the slots to be free',
      async () => (await metric('fovea_engine_tokens_in_use', 'engine="0"')) === 0,
    );
    for (const lane of ['text', 'media']) {
      expect(await metric('fovea_slots_in_use', `engine="0",lane="${lane}"`)).toBe(0);
      expect(await metric('fovea_jobs_waiting_for_place', `lane="${lane}"`)).toBe(0);
    }
  });

  it('gives an engine no more tokens than its budget, and holds one job that does not fit', async () => {
    await startEngines({});
    await startWorker({ ADAPTER_TOKEN_BUDGET: '400' });
    hold('weigh');
    // 64 tokens of answer each and few of prompt; a quarter of the budget is for pictures.
    const ids = await Promise.all(Array.from({ length: 8 }, (_, index) => gateway.ask(`weigh ${index}`)));
    await until('four to run', () => running() === 4);
    const lane = { checkpoint: 'tiny', kind: 'text' } as const;
    await until('one to be held', async () => (await gateway.queue.depth(lane)).waiting === 3);
    expect(await metric('fovea_jobs_waiting_for_place', 'lane="text"')).toBe(1);
    expect(await metric('fovea_engine_token_budget', 'engine="0"')).toBe(400);
    expect(await metric('fovea_engine_tokens_in_use', 'engine="0"')).toBeLessThanOrEqual(300);
    expect(running()).toBe(4);
    release('weigh');
    expect(await ends(ids)).toEqual(Array(8).fill('generation-end'));
  });

  it('never stops text for pictures', async () => {
    await startEngines({});
    await startWorker();
    hold('picture');
    const pictures = await Promise.all(
      Array.from({ length: 32 }, (_, index) => gateway.ask(`picture ${index}`, { picture: true })),
    );
    await until('the media slots to be full', () => running() === 4);
    const texts = await Promise.all(Array.from({ length: 20 }, (_, index) => gateway.ask(`text ${index}`)));
    expect(await ends(texts)).toEqual(Array(20).fill('generation-end'));
    expect(running()).toBe(4);
    release('picture');
    expect(await ends(pictures)).toEqual(Array(32).fill('generation-end'));
  });
});
