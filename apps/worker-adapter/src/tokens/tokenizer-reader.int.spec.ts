import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '@fovea/blob-store';
import { createFileBlobStore } from '@fovea/blob-store/file';
import { createLogger } from '@fovea/observability';
import { isTerminal } from '@fovea/schemas/events';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import type { TokenStream } from '@fovea/token-stream';
import { createRedisTokenStream } from '@fovea/token-stream/redis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { PoolingRunner } from '../batching/run-pooling.js';
import { EnginePool } from '../engine/engine-pool.js';
import { createEngine } from '../fakes/fake-engine.js';
import { createJob, FakeLease } from '../fakes/fake-lease.js';
import { FakeQuarantine } from '../fakes/fake-quarantine.js';
import { RecordingTelemetry } from '../fakes/recording-telemetry.js';
import { BlobRoom } from '../generation/blob-room.js';
import { Generation } from '../generation/generation.js';
import { TokensRunner } from './run-tokens.js';

const model = { engineModel: 'tiny-vlm', maximumCompletionTokens: 100, contextTokens: 8_192 };

describeIf(redisBinary, 'the file of a tokenizer', () => {
  let redis: RedisServer;
  let root: string;
  let blobs: BlobStore;
  let stream: TokenStream;
  let reader: TokenStream;
  let pool: EnginePool;
  let lease: FakeLease;
  /** Around the worker's put. */
  let beforePut: () => Promise<void>;
  let afterPut: () => Promise<void>;

  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fovea-tokenizer-'));
    const options = { redis: { url: redis.url, clientName: 'test' }, logTtlS: 60 };
    stream = createRedisTokenStream({ ...options, role: 'worker' });
    reader = createRedisTokenStream({ ...options, role: 'producer' });
    pool = new EnginePool([createEngine({ slots: { embed: 1 } })]);
    pool.start();
    await pool.untilRoom('embed', new AbortController().signal);
    lease = new FakeLease({ ...createJob(), lane: 'embed', task: { kind: 'tokenizer' } });
    await reader.renewInterest([lease.job.id], 60_000);
    beforePut = afterPut = () => Promise.resolve();
    blobs = createFileBlobStore({ root, lingerS: 0, maxReferenceAgeS: 600 });
    const put = blobs.put.bind(blobs);
    blobs.put = async (...args) => {
      await beforePut();
      const ref = await put(...args);
      await afterPut();
      return ref;
    };
  });
  afterEach(async () => {
    await pool.stop();
    await Promise.all([stream.close(), reader.close()]);
    await rm(root, { recursive: true, force: true });
  });

  async function run(): Promise<void> {
    const ports = {
      ...{ stream, blobs, blobRoom: new BlobRoom(1_000), quarantine: new FakeQuarantine() },
      tokens: new TokensRunner(blobs, undefined),
      pooling: new PoolingRunner(blobs, { waitMs: 0, maxInputs: 8 }),
      buildRequest: () => Promise.reject(new Error('nothing to generate')),
      servedModel: () => model,
      noteFailure: () => undefined,
      telemetry: new RecordingTelemetry(),
      logger: createLogger({ service: 'worker-adapter', level: 'silent' }),
    };
    const claim = pool.claim({ requestId: lease.job.id, lane: 'embed', tokens: 0 });
    await new Generation(lease, claim, ports).run();
    claim.release();
    expect(lease.settled).toEqual(['acknowledged']);
  }

  /** As a gateway whose client leaves. */
  async function leave(): Promise<void> {
    await reader.cancel(lease.job.id);
    const { terminal } = await reader.state(lease.job.id);
    if (terminal !== undefined) await blobs.release(lease.job.id, { linger: false });
  }

  async function files(): Promise<string[]> {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && entry.name !== 'salt').map(({ name }) => name);
  }

  const lastEvent = async () => (await reader.state(lease.job.id)).terminal;

  it('is left to the reader that waits for it', async () => {
    await run();
    expect(await lastEvent()).toMatchObject({ type: 'generation-end' });
    const events = (await reader.read(lease.job.id, 0, 10)).flatMap((entry) => entry.events);
    const document = events.find((event) => event.type === 'document');
    if (document === undefined) throw new Error('no document');
    expect(`${await blobs.read(document.blob)}`).toBe('{"of":"tiny-vlm"}');
    await blobs.release(lease.job.id, { linger: false });
    expect(await files()).toEqual([]);
  });

  it('is left to it also by a worker that finds the answer in the log', async () => {
    await run();
    lease = new FakeLease(lease.job, 2);
    await run();
    expect(await files()).not.toEqual([]);
  });

  it('is dropped when the reader leaves before it is stored', async () => {
    beforePut = leave;
    await run();
    expect(await files()).toEqual([]);
  });

  it('is dropped when the reader leaves before the event', async () => {
    afterPut = leave;
    await run();
    expect(await files()).toEqual([]);
  });

  it('is dropped by the worker that has not heard of the cancellation and answers', async () => {
    stream.onCancel = () => Promise.resolve(() => Promise.resolve());
    beforePut = leave;
    await run();
    expect(await lastEvent()).toMatchObject({ type: 'generation-end' });
    expect(await files()).toEqual([]);
  });

  it('is dropped when the reader leaves while the end is written', async () => {
    const append = stream.append.bind(stream);
    stream.append = async (...args) => {
      const outcome = await append(...args);
      if (args[2].some(isTerminal)) await leave();
      return outcome;
    };
    await run();
    expect(await lastEvent()).toMatchObject({ type: 'generation-end' });
    expect(await files()).toEqual([]);
  });

  it('is dropped when the gateway that waited for it dies', async () => {
    afterPut = async () => {
      await reader.renewInterest([lease.job.id], 1);
      while ((await reader.lapsed([lease.job.id])).length === 0) await new Promise(setImmediate);
    };
    await run();
    expect(await files()).toEqual([]);
  });

  it('is dropped when the job fails after it was stored', async () => {
    afterPut = () => Promise.reject(new Error('EIO'));
    await run();
    expect(await lastEvent()).toMatchObject({ type: 'error', code: 'INTERNAL' });
    expect(await files()).toEqual([]);
  });
});
