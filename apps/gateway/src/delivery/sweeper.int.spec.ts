import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileBlobStore } from '@fovea/blob-store/file';
import { type JobQueue, type LaneControl, NORMAL_PRIORITY } from '@fovea/job-queue';
import { createBullMqJobQueue, createBullMqLaneControl } from '@fovea/job-queue/bullmq';
import type { ModelRegistry } from '@fovea/model-registry';
import { createLogger } from '@fovea/observability';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { InferenceJob } from '@fovea/schemas/jobs';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import type { TokenStream } from '@fovea/token-stream';
import { createRedisTokenStream } from '@fovea/token-stream/redis';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { Delivery } from './delivery.js';
import { InterestKeeper } from './interest-keeper.js';
import { Sweeper } from './sweeper.js';

const lane = { checkpoint: 'c', kind: 'text' } as const;

function job(): InferenceJob {
  const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hi' }] }];
  const task = { kind: 'chat' as const, messages, sampling: {} };
  const head = { v: 1 as const, id: uuidv7(), tenant: 't', model: 'm', checkpoint: lane.checkpoint };
  return { ...head, lane: lane.kind, deadlineAtMs: Date.now() + 60_000, task, blobs: [] };
}

describeIf(redisBinary, 'a sweep of a lane that was closed', () => {
  let server: RedisServer;
  let root: string;
  let queue: JobQueue;
  let control: LaneControl;
  let stream: TokenStream;
  let delivery: Delivery;
  let sweeper: Sweeper;
  const interest = (): InterestKeeper => new InterestKeeper(stream, () => {});

  beforeAll(async () => {
    server = await startRedisServer();
    root = await mkdtemp(join(tmpdir(), 'fovea-sweeper-'));
    const redis = { url: server.url, clientName: 'test' };
    queue = createBullMqJobQueue({ redis, role: 'worker' });
    control = createBullMqLaneControl(redis);
    stream = createRedisTokenStream({ redis, role: 'producer', logTtlS: 60 });
    const blobs = createFileBlobStore({ root, lingerS: 0, maxReferenceAgeS: 60 });
    const logger = createLogger({ service: 'test', level: 'silent' });
    delivery = new Delivery(queue, stream, blobs, interest(), logger);
    const registry = { list: async () => [{ package: { checkpoint: lane.checkpoint } }] };
    sweeper = new Sweeper(queue, stream, blobs, registry as unknown as ModelRegistry, delivery, logger);
  });
  afterAll(async () => {
    await Promise.all([queue.close(), control.close(), stream.close()]);
    await rm(root, { recursive: true, force: true });
    await server.stop();
  });

  it('answers those that wait, and leaves those that run', async () => {
    const consumer = await queue.consume(lane);
    const running = job();
    const { signal } = new AbortController();
    const streams = [running, job(), job()].map((each) =>
      delivery.run(each, { priority: NORMAL_PRIORITY, signal }),
    );
    const answers = streams.map(async (entries) => {
      const events: GenerationEvent[] = [];
      for await (const entry of entries) events.push(...entry.events);
      return events;
    });
    const lease = await consumer.take();
    while ((await queue.depth(lane)).waiting < 2) await new Promise(setImmediate);
    await control.setState(lane, 'paused');
    await sweeper.sweep();
    expect(await queue.depth(lane)).toEqual({ waiting: 2, active: 1, state: 'paused' });
    await control.setState(lane, 'closed');
    await sweeper.sweep();
    expect(await queue.depth(lane)).toEqual({ waiting: 0, active: 1, state: 'closed' });
    const refused = { type: 'error', code: 'MODEL_UNAVAILABLE', message: expect.any(String) };
    const id = lease?.job.id ?? '';
    const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 3, completionTokens: 2 } };
    await stream.open(id, lease?.fence ?? '');
    await stream.append(id, lease?.fence ?? '', [end]);
    await lease?.acknowledge();
    const ends = (await Promise.all(answers)).map((events) => events.at(-1));
    expect(ends).toEqual(expect.arrayContaining([end, refused, refused]));
    expect(ends.filter((event) => event?.type === 'error')).toHaveLength(2);
    await consumer.close();
  });
});
