import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import type { GenerationEvent } from '@fovea/schemas/events';
import {
  describeIf,
  type RedisServer,
  redisBinary,
  startRedisServer,
  writeEmbeddingFolder,
} from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ComposedWorker, composeWorker } from '../compose.js';
import { FakeGateway } from '../fakes/fake-gateway.js';
import { readWorkerConfig } from '../worker.config.js';
import { readWorkerSettings } from '../worker-settings.js';

// The ONNX server as a process of its own, as in production: build before.
const program = fileURLToPath(new URL('../../../gpu-worker-shim/dist/main.js', import.meta.url));

const workerToml = `
edition = 1
[generator]
type = "embedding"
[queue]
checkpoint_name = "words"
version = 1
[queue.models.words.embedding_task]
supported = true
[queue.models.words.chat_task]
supported = false
`;

/** Starts the server on a free port; gives its address when it listens. */
async function startShim(model: string): Promise<{ child: ChildProcess; url: string }> {
  const env = { SHIM_PORT: '0', SHIM_MODELS: `words=${model}`, SHIM_THREADS: '1', LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { address } = JSON.parse(line);
    if (typeof address === 'string') return { child, url: address };
  }
  throw new Error('The ONNX server did not listen.');
}

const floatsOf = (vector: string): number[] => {
  const bytes = Buffer.from(vector, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
};
const vectorsOf = (events: readonly GenerationEvent[]): number[][] =>
  events.flatMap((event) => (event.type === 'embedding' ? [floatsOf(event.vector)] : []));

describeIf(redisBinary, 'a worker with the ONNX server for embeddings', () => {
  let redis: RedisServer;
  let folder: string;
  let shim: { child: ChildProcess; url: string };
  let gateway: FakeGateway;
  let worker: ComposedWorker;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-onnx-embeddings-'));
    await mkdir(join(folder, 'blobs'));
    const path = join(folder, 'worker.toml');
    await writeFile(path, workerToml);
    await writeEmbeddingFolder(join(folder, 'model'), { config: { matryoshka_dimensions: [8] } });
    [redis, shim] = await Promise.all([startRedisServer(), startShim(join(folder, 'model'))]);
    gateway = new FakeGateway(redis.url, join(folder, 'blobs'), 'words');
    const config = readWorkerConfig({
      BLOB_STORE_URL: `file://${folder}/blobs`,
      REDIS_URL: redis.url,
      ADAPTER_ENGINE_URL: shim.url,
      ADAPTER_OPS_PORT: '0',
    });
    worker = await composeWorker({
      config,
      settings: await readWorkerSettings(path, config),
      logger: createLogger({ service: 'worker-adapter', level: 'silent' }),
      onRefused: (error) => {
        throw error;
      },
    });
    worker.start();
  }, 300_000);
  afterAll(async () => {
    await worker?.close({ drainMs: 5_000, force: new AbortController().signal });
    await gateway?.close();
    if (shim !== undefined) {
      const left = once(shim.child, 'exit');
      shim.child.kill('SIGTERM');
      await left;
    }
    await redis?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = async (task: { inputs: string[]; dimensions?: number }) =>
    gateway.answer(await gateway.embed({ kind: 'embed', ...task }));

  it('answers many jobs at once with the vectors that each text has alone', async () => {
    const texts = Array.from({ length: 30 }, (_, at) => `the ${'red fox '.repeat(at % 9)}number ${at}`);
    const together = await Promise.all(texts.map((text) => ask({ inputs: [text, 'tax law'] })));
    for (const [at, events] of together.entries()) {
      const alone = vectorsOf(await ask({ inputs: [texts[at] ?? ''] }))[0] ?? [];
      const [own = [], shared = []] = vectorsOf(events);
      expect(own).toHaveLength(32);
      expect(Math.max(...own.map((value, place) => Math.abs(value - (alone[place] ?? 9))))).toBeLessThan(
        1e-5,
      );
      expect(shared).not.toEqual(own);
      const end = events.at(-1);
      expect(end).toMatchObject({ type: 'generation-end', usage: { completionTokens: 0 } });
    }
  });

  it('hands on dimensions, and refusals as what they are', async () => {
    expect(vectorsOf(await ask({ inputs: ['a'], dimensions: 8 }))[0]).toHaveLength(8);
    const refused = (await ask({ inputs: ['a'], dimensions: 9 })).at(-1);
    expect(refused).toMatchObject({ type: 'error', code: 'INVALID_REQUEST' });
    const [fine, long] = await Promise.all([
      ask({ inputs: ['short'] }),
      ask({ inputs: ['fox '.repeat(80)] }),
    ]);
    expect(vectorsOf(fine)).toHaveLength(1);
    expect(long.at(-1)).toMatchObject({ type: 'error', code: 'CONTEXT_LENGTH_EXCEEDED' });
  });
});
