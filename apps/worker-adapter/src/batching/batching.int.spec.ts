import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { createLogger } from '@fovea/observability';
import type { GenerationEvent } from '@fovea/schemas/events';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type ComposedWorker, composeWorker } from '../compose.js';
import { FakeGateway } from '../fakes/fake-gateway.js';
import { readWorkerConfig } from '../worker.config.js';
import { readWorkerSettings } from '../worker-settings.js';

const workerToml = `
edition = 1
[generator]
type = "vllm"
[queue]
checkpoint_name = "tiny"
version = 1
[queue.models.tiny.embedding_task]
supported = true
[queue.models.tiny.rerank_task]
supported = true
`;

describeIf(redisBinary, 'a worker with an engine for embeddings', () => {
  let redis: RedisServer;
  let folder: string;
  let engine: FakeVllm;
  let gateway: FakeGateway;
  let worker: ComposedWorker;

  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis?.stop());

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-batching-'));
    await mkdir(join(folder, 'blobs'));
    const path = join(folder, 'worker.toml');
    await writeFile(path, workerToml);
    engine = await startFakeVllm({ model: 'tiny', embeddingSize: 4, maxModelLen: 50 });
    gateway = new FakeGateway(redis.url, join(folder, 'blobs'), 'tiny');
    const config = readWorkerConfig({
      BLOB_STORE_URL: `file://${folder}/blobs`,
      REDIS_URL: redis.url,
      ADAPTER_ENGINE_URL: engine.url,
      ADAPTER_OPS_PORT: '0',
      ADAPTER_BATCH_WAIT_MS: '50',
    });
    worker = await composeWorker({
      config,
      settings: await readWorkerSettings(path, config),
      logger: createLogger({ service: 'worker-adapter', level: 'silent' }),
      onRefused: (error) => {
        throw error;
      },
    });
  });
  afterEach(async () => {
    await worker.close({ drainMs: 5_000, force: new AbortController().signal });
    await gateway.close();
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });

  const vectorsOf = (events: readonly GenerationEvent[]): string[] =>
    events.flatMap((event) => (event.type === 'embedding' ? [event.vector] : []));

  it('answers many jobs with few calls, each with its own vectors and its share of the tokens', async () => {
    const texts = Array.from({ length: 40 }, (_, at) => [`text ${at}`, `more ${at}`]);
    const ids = await Promise.all(texts.map((inputs) => gateway.embed({ kind: 'embed', inputs })));
    worker.start();
    const answers = await Promise.all(ids.map((id) => gateway.answer(id)));
    expect(engine.requests.length).toBeLessThan(20);
    const alone = await gateway.answer(await gateway.embed({ kind: 'embed', inputs: ['text 7', 'more 7'] }));
    expect(vectorsOf(answers[7] ?? [])).toEqual(vectorsOf(alone));
    expect(new Set(answers.flatMap(vectorsOf)).size).toBe(80);
    for (const events of answers) {
      expect(events.at(-1)).toMatchObject({ type: 'generation-end', usage: { completionTokens: 0 } });
    }
  });

  it('tells only the sender that a text is too long', async () => {
    const [fine, long] = await Promise.all([
      gateway.embed({ kind: 'embed', inputs: ['short'] }),
      gateway.embed({ kind: 'embed', inputs: ['word '.repeat(200)] }),
    ]);
    worker.start();
    expect(vectorsOf(await gateway.answer(fine))).toHaveLength(1);
    const refused = (await gateway.answer(long)).at(-1);
    expect(refused).toMatchObject({ type: 'error', code: 'CONTEXT_LENGTH_EXCEEDED' });
  });

  it('gives each document of a rerank job its score', async () => {
    worker.start();
    const task = { kind: 'rerank' as const, query: 'red house', documents: ['quantum flux', 'a red house'] };
    const events = await gateway.answer(await gateway.embed(task));
    const scores = events.flatMap((event) => (event.type === 'score' ? [event.score] : []));
    expect(scores).toHaveLength(2);
    expect(scores[1]).toBeGreaterThan(scores[0] ?? Number.POSITIVE_INFINITY);
  });
});
