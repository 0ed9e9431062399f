import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { BlobStore } from '@fovea/blob-store';
import { createFileBlobStore } from '@fovea/blob-store/file';
import { FoveaError } from '@fovea/errors';
import { type Consumer, type JobQueue, type Lease, NORMAL_PRIORITY } from '@fovea/job-queue';
import { createBullMqJobQueue } from '@fovea/job-queue/bullmq';
import { createLogger } from '@fovea/observability';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { InferenceJob } from '@fovea/schemas/jobs';
import { type RedisServer, startRedisServer } from '@fovea/testing';
import type { StreamEntry, TokenStream } from '@fovea/token-stream';
import { createRedisTokenStream } from '@fovea/token-stream/redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { Delivery } from './delivery.js';
import { InterestKeeper } from './interest-keeper.js';
import { laneOf } from './lane-of.js';
import { ORPHANED_LOOKS, OrphanWatch } from './orphan-watch.js';

const logger = createLogger({
  service: 'test',
  level: 'error',
  destination: new Writable({ write: (_c, _e, done) => done() }),
});
const text = (value: string): GenerationEvent => ({
  type: 'text-delta',
  index: 0,
  text: value,
  usage: { promptTokens: 3, completionTokens: 1 },
});
const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 3, completionTokens: 2 } };

function job(): InferenceJob {
  const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hi' }] }];
  const task = { kind: 'chat' as const, messages, sampling: {} };
  const head = { v: 1 as const, id: uuidv7(), tenant: 't', model: 'm', checkpoint: 'c' };
  return { ...head, lane: 'text', deadlineAtMs: Date.now() + 60_000, task, blobs: [] };
}

describe('Delivery over Redis', () => {
  let server: RedisServer;
  let root: string;
  let blobs: BlobStore;
  let queue: JobQueue;
  let workers: JobQueue;
  let stream: TokenStream;
  let interest: InterestKeeper;
  let delivery: Delivery;
  let consumer: Consumer;

  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fovea-delivery-'));
    blobs = createFileBlobStore({ root, lingerS: 0, maxReferenceAgeS: 60 });
    const redis = { url: server.url, clientName: 'test' };
    queue = createBullMqJobQueue({ redis, role: 'producer' });
    workers = createBullMqJobQueue({ redis, role: 'worker' });
    stream = createRedisTokenStream({ redis, role: 'producer', logTtlS: 60 });
    interest = new InterestKeeper(stream, () => {});
    interest.start();
    delivery = new Delivery(queue, stream, blobs, interest, logger);
    consumer = await workers.consume({ checkpoint: 'c', kind: 'text' });
  });
  afterEach(async () => {
    interest.stop();
    await consumer.close();
    await Promise.all([queue.close(), workers.close(), stream.close()]);
    await rm(root, { recursive: true, force: true });
  });

  const run = (request: InferenceJob, signal = new AbortController().signal): AsyncGenerator<StreamEntry> =>
    delivery.run(request, { priority: NORMAL_PRIORITY, signal });

  async function take(): Promise<Lease> {
    const lease = await consumer.take();
    if (lease === undefined) throw new Error('the consumer was stopped');
    return lease;
  }

  it('hands the job on, relays its entries, and holds the interest lease meanwhile', async () => {
    const request = job();
    const entries = run(request);
    const first = entries.next();
    const lease = await take();
    expect(lease.job).toEqual(request);
    expect(await stream.lapsed([request.id])).toEqual([]);
    await stream.open(request.id, lease.fence);
    await stream.append(request.id, lease.fence, [text('a')]);
    expect((await first).value).toEqual({ id: 1, events: [text('a')] });
    await stream.append(request.id, lease.fence, [end]);
    await lease.acknowledge();
    expect((await entries.next()).value).toMatchObject({ id: 2 });
    expect((await entries.next()).done).toBe(true);
    expect(await queue.state(laneOf(request), request.id)).toBe('absent');
  });

  it('takes a queued job back when its client leaves, and lets go of what was stored', async () => {
    const request = job();
    const bytes = (async function* () {
      yield Buffer.from('picture');
    })();
    await blobs.put(bytes, { tenant: 't', owner: request.id, mediaType: 'image/png' });
    const leave = new AbortController();
    // The lane's one worker is busy with something else.
    const reading = run(request, leave.signal).next();
    const queued = async (): Promise<boolean> =>
      (await queue.state(laneOf(request), request.id)) === 'waiting';
    while (!(await queued())) await new Promise(setImmediate);
    leave.abort(new FoveaError('CLIENT_CLOSED'));
    await expect(reading).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    expect(await queue.state(laneOf(request), request.id)).toBe('absent');
    expect((await stream.state(request.id)).terminal).toMatchObject({ code: 'CANCELLED' });
    const files = await readdir(root, { recursive: true, withFileTypes: true });
    expect(files.filter((file) => file.isFile() && !file.name.includes('salt'))).toEqual([]);
  });

  it('tells the worker that runs the job when the reader stops reading', async () => {
    const request = job();
    const entries = run(request);
    const first = entries.next();
    const lease = await take();
    const cancelled = new Promise<void>((resolve) => void stream.onCancel(request.id, resolve));
    await stream.open(request.id, lease.fence);
    await stream.append(request.id, lease.fence, [text('a')]);
    await first;
    await entries.return(undefined);
    await cancelled;
    expect(await stream.lapsed([request.id])).toEqual([request.id]);
    await lease.acknowledge();
  });

  it('enqueues a job again that Redis lost before anything was written', async () => {
    const request = job();
    await queue.enqueue(laneOf(request), request);
    expect(await queue.remove(laneOf(request), request.id)).toBe(true);
    const watch = new OrphanWatch(queue, stream, blobs, request, NORMAL_PRIORITY, logger);
    for (let look = 0; look < ORPHANED_LOOKS; look += 1) await watch.look();
    const lease = await take();
    expect(lease.job.id).toBe(request.id);
    await lease.acknowledge();
  });

  it('ends what a lost worker had begun, with the usage so far, when no other worker does', async () => {
    const request = job();
    await stream.open(request.id, 'lost-worker');
    await stream.append(request.id, 'lost-worker', [text('half an ans')]);
    const watch = new OrphanWatch(queue, stream, blobs, request, NORMAL_PRIORITY, logger);
    for (let look = 1; look < ORPHANED_LOOKS; look += 1) await watch.look();
    expect((await stream.state(request.id)).terminal).toBeUndefined();
    await watch.look();
    expect((await stream.state(request.id)).terminal).toMatchObject({
      code: 'STREAM_INTERRUPTED',
      usage: { promptTokens: 3, completionTokens: 1 },
    });
    expect(await stream.append(request.id, 'lost-worker', [text('wer')])).toEqual({ outcome: 'fenced' });
  });

  it('leaves a request alone whose worker is alive, however quiet', async () => {
    const request = job();
    await queue.enqueue(laneOf(request), request);
    const lease = await take();
    await stream.open(request.id, lease.fence);
    await stream.append(request.id, lease.fence, [text('a')]);
    const watch = new OrphanWatch(queue, stream, blobs, request, NORMAL_PRIORITY, logger);
    for (let look = 0; look <= ORPHANED_LOOKS; look += 1) await watch.look();
    expect((await stream.state(request.id)).terminal).toBeUndefined();
    await lease.acknowledge();
  });
});
