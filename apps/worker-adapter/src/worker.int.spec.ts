import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
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

const workerToml = (version: number, slots: number): string => `
edition = 1
[generator]
type = "vllm"
max_num_seqs = ${slots}
[queue]
checkpoint_name = "tiny"
version = ${version}
[queue.models.tiny]
description = "version ${version}"
multimodal_enabled = true
maximum_completion_tokens = 64
[queue.models.tiny.chat_task]
supported = true
`;

describeIf(redisBinary, 'a composed worker', () => {
  let redis: RedisServer;
  let folder: string;
  let engine: FakeVllm;
  let gateway: FakeGateway;
  let worker: ComposedWorker;
  let refusals: Error[];
  let isClosed: boolean;

  const compose = async (toml: string, enginePort = engine.port): Promise<ComposedWorker> => {
    const path = join(folder, 'worker.toml');
    await writeFile(path, toml);
    const config = readWorkerConfig({
      BLOB_STORE_URL: `file://${folder}/blobs`,
      BLOB_LINGER_S: '0',
      REDIS_URL: redis.url,
      ADAPTER_ENGINE_URL: `http://127.0.0.1:${enginePort}`,
      ADAPTER_OPS_PORT: '0',
    });
    const settings = await readWorkerSettings(path, config);
    return composeWorker({ config, settings, logger, onRefused: (error) => refusals.push(error) });
  };

  const readiness = async (): Promise<{ ready: boolean; checks: Record<string, string> }> => {
    const answer = await fetch(`http://127.0.0.1:${worker.opsPort}/health/ready`);
    const body = (await answer.json()) as { ready: boolean; checks: Record<string, string> };
    expect(answer.status).toBe(body.ready ? 200 : 503);
    return body;
  };
  const untilReady = (): Promise<void> =>
    until('the worker to be ready', async () => (await readiness()).ready);

  const close = async (drainMs = 5_000): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await worker.close({ drainMs, force: new AbortController().signal });
  };

  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis?.stop());

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-adapter-'));
    await mkdir(join(folder, 'blobs'));
    engine = await startFakeVllm({ model: 'tiny' });
    refusals = [];
    isClosed = false;
    gateway = new FakeGateway(redis.url, join(folder, 'blobs'), 'tiny');
    worker = await compose(workerToml(1, 1));
    worker.start();
    await untilReady();
  });
  afterEach(async () => {
    await close();
    await gateway.close();
    await engine.close();
    await rm(folder, { recursive: true });
  });

  const expectQueueEmpty = async (): Promise<void> => {
    for (const kind of ['text', 'media'] as const) {
      await until(`lane ${kind} to be empty`, async () => {
        const depth = await gateway.queue.depth({ checkpoint: 'tiny', kind });
        return depth.waiting === 0 && depth.active === 0;
      });
    }
  };

  it('answers a question with the words of the engine and leaves the queue empty', async () => {
    const events = await gateway.answer(await gateway.ask('hello out there'));
    expect(events[0]).toMatchObject({ type: 'generation-start', attempt: 1 });
    expect(textOf(events)).toContain('You said: hello out there.');
    expect(events.at(-1)).toMatchObject({
      type: 'generation-end',
      usage: { completionTokens: expect.any(Number) },
    });
    expect(engine.requests[0]?.parameters).toMatchObject({ max_tokens: 64 });
    await expectQueueEmpty();
  });

  it('gives the engine the bytes of a picture and leaves no blob behind', async () => {
    const events = await gateway.answer(await gateway.ask('what is this', { picture: true }));
    expect(textOf(events)).toContain('1 image(s): 1x1 68 bytes');
    await expectQueueEmpty();
    await until('the blob to be gone', async () => {
      const left = await readdir(join(folder, 'blobs'), { recursive: true, withFileTypes: true });
      return !left.some((entry) => entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name));
    });
  });

  it('turns a refusal of the engine into its error event, with nothing before it', async () => {
    engine.script({
      behaviour: {
        fault: { kind: 'status', status: 400, message: "This model's maximum context length is 10 tokens" },
      },
    });
    expect(await gateway.answer(await gateway.ask('too long'))).toMatchObject([
      { type: 'error', code: 'CONTEXT_LENGTH_EXCEEDED', limit: { name: 'max_model_len', value: 10 } },
    ]);
    await expectQueueEmpty();
  });

  it('ends a stream with the error event and the usage so far when the engine dies in the middle', async () => {
    const hold = engine.hold({ afterTokens: 3 });
    const answer = gateway.answer(await gateway.ask('half an answer'));
    await hold.reached();
    await engine.close();
    const events = await answer;
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      code: 'STREAM_INTERRUPTED',
      usage: { completionTokens: 3 },
    });
    expect(JSON.stringify(events)).not.toContain('127.0.0.1');
    await until('the worker to be not ready', async () => !(await readiness()).ready);
    expect((await readiness()).checks.engine).not.toBe('ok');
    await expectQueueEmpty();
  });

  it('has a job wait for the engine to come back when nothing was written yet', async () => {
    const { port } = engine;
    const hold = engine.hold({ afterTokens: 0 });
    const answer = gateway.answer(await gateway.ask('patience'));
    await hold.reached();
    await engine.close();
    await until('the worker to be not ready', async () => !(await readiness()).ready);
    engine = await startFakeVllm({ model: 'tiny', port });
    const events = await answer;
    expect(events[0]).toMatchObject({ type: 'generation-start', attempt: 2 });
    expect(events.at(-1)?.type).toBe('generation-end');
    await untilReady();
  });

  it('closes the socket of the engine when the client cancels', async () => {
    const hold = engine.hold({ afterTokens: 2 });
    const id = await gateway.ask('never mind');
    const answer = gateway.answer(id);
    await hold.reached();
    await gateway.stream.cancel(id);
    await engine.waitFor('aborted', { requestId: id });
    expect(engine.counters.aborted).toBe(1);
    expect((await answer).at(-1)).toMatchObject({
      type: 'error',
      code: 'CANCELLED',
      usage: { completionTokens: 2 },
    });
    await expectQueueEmpty();
  });

  it('cancels what runs when its interest lease lapses', async () => {
    const hold = engine.hold({ afterTokens: 1 });
    const id = await gateway.ask('anybody there');
    const answer = gateway.answer(id);
    await hold.reached();
    await gateway.stream.renewInterest([id], 1);
    await engine.waitFor('aborted', { requestId: id });
    expect((await answer).at(-1)).toMatchObject({ code: 'CANCELLED' });
  });

  it('asks the engine nothing for a queued job whose client has left', async () => {
    const hold = engine.hold({ match: 'first', afterTokens: 1 });
    const first = gateway.answer(await gateway.ask('first'));
    await hold.reached();
    const id = await gateway.ask('second');
    await gateway.stream.cancel(id);
    hold.release();
    expect((await first).at(-1)?.type).toBe('generation-end');
    expect(await gateway.answer(id)).toMatchObject([{ type: 'error', code: 'CANCELLED' }]);
    expect(engine.requests).toHaveLength(1);
    await expectQueueEmpty();
  });

  it('stops the engine at the deadline', async () => {
    const hold = engine.hold({ afterTokens: 1 });
    const answer = gateway.answer(await gateway.ask('slow', { timeoutMs: 1_500 }));
    await hold.reached();
    expect((await answer).at(-1)).toMatchObject({ code: 'TIMEOUT', usage: { completionTokens: 1 } });
    await engine.waitFor('aborted');
  });

  it('finishes what runs while it drains, takes nothing more and is listed as unavailable at once', async () => {
    expect(await gateway.modelStatus()).toBe('available');
    const hold = engine.hold({ match: 'running', afterTokens: 1 });
    const running = gateway.answer(await gateway.ask('running'));
    await hold.reached();
    const closed = close(60_000);
    await until('the model to be unavailable', async () => (await gateway.modelStatus()) === 'unavailable');
    const late = await gateway.ask('late');
    hold.release();
    expect((await running).at(-1)?.type).toBe('generation-end');
    await closed;
    expect(await gateway.queue.state({ checkpoint: 'tiny', kind: 'text' }, late)).toBe('waiting');
    worker = await compose(workerToml(1, 1));
    isClosed = false;
    worker.start();
    expect((await gateway.answer(late)).at(-1)?.type).toBe('generation-end');
  });

  it('hands back or interrupts what runs when the time for draining is over', async () => {
    const hold = engine.hold({ afterTokens: 1 });
    const running = gateway.answer(await gateway.ask('running'));
    await hold.reached();
    await close(1);
    expect((await running).at(-1)).toMatchObject({
      code: 'STREAM_INTERRUPTED',
      usage: { completionTokens: 1 },
    });
  });

  it('is told why when its package conflicts with a registered one', async () => {
    await close();
    worker = await compose(workerToml(1, 1).replace('version 1', 'other words'));
    isClosed = false;
    worker.start();
    await until('the refusal', () => refusals.length > 0);
    expect(refusals[0]).toMatchObject({ code: 'MODEL_PACKAGE_CONFLICT' });
    expect((await readiness()).ready).toBe(false);
  });

  it('waits for an engine that comes later', async () => {
    await close();
    const { port } = engine;
    await engine.close();
    worker = await compose(workerToml(1, 1), port);
    isClosed = false;
    worker.start();
    expect((await readiness()).checks).toEqual({
      redis: expect.any(String),
      engine: 'not healthy',
      registered: 'not yet',
    });
    const answer = gateway.answer(await gateway.ask('hello'));
    engine = await startFakeVllm({ model: 'tiny', port });
    expect((await answer).at(-1)?.type).toBe('generation-end');
  });
});
