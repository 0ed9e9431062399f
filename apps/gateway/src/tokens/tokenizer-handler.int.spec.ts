import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '@fovea/blob-store';
import { createFileBlobStore } from '@fovea/blob-store/file';
import { type Consumer, type JobQueue, type Lease, NORMAL_PRIORITY } from '@fovea/job-queue';
import { createBullMqJobQueue } from '@fovea/job-queue/bullmq';
import { createGatewayTelemetry, createLogger } from '@fovea/observability';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { BlobRef, InferenceJob } from '@fovea/schemas/jobs';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import type { TokenStream } from '@fovea/token-stream';
import { createRedisTokenStream } from '@fovea/token-stream/redis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type FastifyInstance, fastify } from 'fastify';
import { ConfiguredKeys } from '../auth/configured-keys.js';
import { KeyRing } from '../auth/key-ring.js';
import { Delivery } from '../delivery/delivery.js';
import { InterestKeeper } from '../delivery/interest-keeper.js';
import { installDoor } from '../http/door.js';
import { sendError } from '../http/send-error.js';
import { TaskRoute, type TaskRoutePorts } from '../tasks/task-route.js';
import { KEY, RawClient } from '../upload/testing/upload-server.js';
import { TokenizerHandler } from './tokenizer-handler.js';

const logger = createLogger({ service: 'test', level: 'silent' });
const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 0, completionTokens: 0 } };
const question = `GET /tokenizer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`;

describeIf(redisBinary, 'the file of a tokenizer', () => {
  let redis: RedisServer;
  let root: string;
  let blobs: BlobStore;
  let queue: JobQueue;
  let workers: JobQueue;
  let stream: TokenStream;
  let interest: InterestKeeper;
  let consumer: Consumer;
  let app: FastifyInstance;
  let port: number;
  let client: RawClient;
  /** When the handler is done with the request. */
  let handled: Promise<void>;

  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fovea-tokenizer-'));
    blobs = createFileBlobStore({ root, lingerS: 0, maxReferenceAgeS: 600 });
    const settings = { url: redis.url, clientName: 'test' };
    queue = createBullMqJobQueue({ redis: settings, role: 'producer' });
    workers = createBullMqJobQueue({ redis: settings, role: 'worker' });
    stream = createRedisTokenStream({ redis: settings, role: 'producer', logTtlS: 60 });
    interest = new InterestKeeper(stream, () => {});
    consumer = await workers.consume({ checkpoint: 'c', kind: 'embed' });
    await startGateway();
    client = await RawClient.open(port);
  });
  afterEach(async () => {
    client.end();
    await app.close();
    await consumer.close();
    await Promise.all([queue.close(), workers.close(), stream.close()]);
    await rm(root, { recursive: true, force: true });
  });

  async function startGateway(): Promise<void> {
    const delivery = new Delivery(queue, stream, blobs, interest, logger);
    const telemetry = createGatewayTelemetry(logger);
    const ports = { blobs, telemetry, requestTimeoutS: 60 } as unknown as TaskRoutePorts;
    const handler = new TokenizerHandler(
      new TaskRoute(ports),
      {
        submit: async (_work, { requestId, tenant, deadlineAtMs, signal }) => {
          const job: InferenceJob = {
            ...{ v: 1, id: requestId, tenant, model: 'm', checkpoint: 'c', lane: 'embed' },
            ...{ deadlineAtMs, task: { kind: 'tokenizer' }, blobs: [] },
          };
          const entries = delivery.run(job, { priority: NORMAL_PRIORITY, signal });
          return { entries, model: 'm', images: 0 };
        },
      },
      blobs,
    );
    app = fastify({ forceCloseConnections: true });
    const keys = new ConfiguredKeys([{ tenant: 'alpha', isAdmin: false, key: KEY }]);
    installDoor(app, new KeyRing(keys, undefined), logger, () => {});
    app.setErrorHandler((error, request, reply) => sendError(request, reply, error, logger));
    app.get('/tokenizer', (request, reply) => {
      const answering = handler.handle(request, reply, 'm');
      handled = answering.catch(() => undefined);
      return answering;
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    port = (app.server.address() as AddressInfo).port;
  }

  async function take(): Promise<Lease> {
    const lease = await consumer.take();
    if (lease === undefined) throw new Error('the consumer was stopped');
    await stream.open(lease.job.id, lease.fence);
    return lease;
  }

  const put = ({ job }: Lease, bytes: Buffer): Promise<BlobRef> => {
    const once = (async function* () {
      yield bytes;
    })();
    return blobs.put(once, { tenant: job.tenant, owner: job.id, mediaType: 'application/json' });
  };

  const write = async ({ job, fence }: Lease, ...events: GenerationEvent[]): Promise<void> => {
    expect(await stream.append(job.id, fence, events)).toMatchObject({ outcome: 'appended' });
  };

  async function files(): Promise<string[]> {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && entry.name !== 'salt').map(({ name }) => name);
  }

  /** As a worker does that leaves the file to whoever reads the log. */
  async function answer(bytes: Buffer): Promise<void> {
    const lease = await take();
    await write(lease, { type: 'document', blob: await put(lease, bytes) }, end);
    await lease.acknowledge();
  }

  it('is sent whole, and then let go of', async () => {
    const bytes = randomBytes(2_000_000);
    const asked = fetch(`http://127.0.0.1:${port}/tokenizer`, {
      headers: { authorization: `Bearer ${KEY}` },
    });
    await answer(bytes);
    const answered = await asked;
    expect(answered.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answered.headers.get('content-length')).toBe('2000000');
    expect(answered.headers.get('x-request-id')).toEqual(expect.any(String));
    expect(Buffer.from(await answered.arrayBuffer()).equals(bytes)).toBe(true);
    await handled;
    expect(await files()).toEqual([]);
  });

  it('is let go of when the client leaves after the end was written and before it is read', async () => {
    stream.follow = async function* (_id, { signal } = {}) {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
    };
    client.send(question);
    await answer(Buffer.from('{}'));
    expect(await files()).not.toEqual([]);
    client.reset();
    await handled;
    expect(await files()).toEqual([]);
  });

  it('is left to the worker when the client leaves before the end', async () => {
    client.send(question);
    const lease = await take();
    const blob = await put(lease, Buffer.from('{}'));
    client.reset();
    await handled;
    expect(await stream.lapsed([lease.job.id])).toEqual([lease.job.id]);
    expect(`${await blobs.read(blob)}`).toBe('{}');
    await lease.acknowledge();
  });

  it('is let go of when the client leaves while it is opened', async () => {
    const open = blobs.open.bind(blobs);
    blobs.open = async (ref, signal) => {
      const chunks = await open(ref, signal);
      const closed = new Promise((resolve) => signal?.addEventListener('abort', resolve));
      client.reset();
      await closed;
      return chunks;
    };
    client.send(question);
    await answer(randomBytes(2_000_000));
    await handled;
    expect(await files()).toEqual([]);
  });

  it('is let go of when the client leaves while it is sent', async () => {
    client.send(question);
    client.socket.pause();
    const begun = new Promise((resolve) => client.socket.once('readable', resolve));
    await answer(randomBytes(32_000_000));
    await begun;
    client.reset();
    await handled;
    expect(await files()).toEqual([]);
  });
});
