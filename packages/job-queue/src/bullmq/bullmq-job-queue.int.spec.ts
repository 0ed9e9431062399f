import { randomUUID } from 'node:crypto';
import { connectRedis, laneKeyPrefix } from '@fovea/redis';
import type { Lane } from '@fovea/schemas/jobs';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { describeLaneControl } from '../conformance/lane-control.js';
import { describeJobQueue, exampleJob } from '../conformance.js';
import type { JobQueue } from '../index.js';
import { createBullMqJobQueue } from './bullmq-job-queue.js';
import { createBullMqLaneControl } from './bullmq-lane-control.js';
import type { UnreadableJob } from './envelope.js';

describeIf(redisBinary, 'BullMQ adapter', () => {
  describeJobQueue('BullMQ', async () => {
    const server = await startRedisServer();
    return {
      connect: async () =>
        createBullMqJobQueue({ redis: { url: server.url, clientName: 'spec' }, role: 'worker' }),
      stop: () => server.stop(),
    };
  });
  describeLaneControl('BullMQ', async () => {
    const server = await startRedisServer();
    const redis = { url: server.url, clientName: 'spec' };
    return {
      connect: async () => createBullMqJobQueue({ redis, role: 'worker' }),
      control: async () => createBullMqLaneControl(redis),
      stop: () => server.stop(),
    };
  });
});

describeIf(redisBinary, 'BullMqJobQueue', () => {
  let server: RedisServer;
  let redis: Redis;
  let queue: JobQueue;
  let lane: Lane;
  const unreadable: UnreadableJob[] = [];
  beforeAll(async () => {
    server = await startRedisServer();
    const settings = { url: server.url, clientName: 'spec' };
    redis = connectRedis(settings, 'worker');
    queue = createBullMqJobQueue({
      redis: settings,
      role: 'worker',
      onUnreadable: (job) => {
        unreadable.push(job);
        if (unreadable.length === 1) throw new Error('a listener that fails');
      },
    });
  });
  afterAll(async () => {
    await queue.close();
    redis.disconnect();
    await server.stop();
  });
  beforeEach(() => {
    lane = { checkpoint: randomUUID(), kind: 'text' };
  });
  const key = (suffix: string): string => `${laneKeyPrefix(lane.checkpoint, lane.kind)}:jobs:${suffix}`;

  it('fails fast as a producer when Redis is away', async () => {
    const producer = createBullMqJobQueue({
      redis: { url: 'redis://127.0.0.1:1', clientName: 'spec' },
      role: 'producer',
    });
    await expect(producer.enqueue(lane, exampleJob(lane))).rejects.toThrow();
    await producer.close();
  });

  it('keeps everything of a lane under its hash tag and nothing of a job that is done or removed', async () => {
    const [done, removed] = [exampleJob(lane), exampleJob(lane)];
    await queue.enqueue(lane, done);
    await queue.enqueue(lane, removed);
    const consumer = await queue.consume(lane);
    await (await consumer.take())?.acknowledge();
    await queue.remove(lane, removed.id);
    await consumer.close();
    const keys = await redis.keys(`*${lane.checkpoint}*`);
    for (const each of keys) expect(each).toMatch(laneKeyPrefix(lane.checkpoint, lane.kind));
    for (const id of [done.id, removed.id]) {
      expect(keys.filter((each) => each.includes(id))).toEqual([]);
    }
    const types = new Map<string, string>();
    for (const each of keys) types.set(each.slice(key('').length), await redis.type(each));
    for (const infrastructure of ['id', 'meta', 'events', 'marker', 'pc', 'stalled-check']) {
      types.delete(infrastructure);
    }
    expect([...types.keys()]).toEqual([]);
  });

  it('settles a job it cannot read, reports it, and goes on with the next', async () => {
    const bad = exampleJob(lane);
    const strange = exampleJob(lane);
    const empty = exampleJob(lane);
    const good = exampleJob(lane);
    for (const job of [bad, strange, empty, good]) await queue.enqueue(lane, job);
    await redis.hset(key(bad.id), 'data', '{"v":1,');
    await redis.hset(key(strange.id), 'data', JSON.stringify({ ...strange, v: 2 }));
    await redis.del(key(empty.id));
    const consumer = await queue.consume(lane);
    const lease = await consumer.take();
    expect(lease?.job.id).toBe(good.id);
    await lease?.acknowledge();
    await consumer.close();
    expect(unreadable.map((job) => job.requestId)).toEqual([bad.id, strange.id, empty.id]);
    expect(unreadable.slice(0, 2).map((job) => job.reason)).toEqual([
      'the envelope is not JSON',
      'v: invalid_value',
    ]);
    expect(await queue.depth(lane)).toMatchObject({ waiting: 0, active: 0 });
  });

  it('keeps the event stream of a busy lane short', async () => {
    const consumer = await queue.consume(lane);
    for (let index = 0; index < 300; index++) {
      await queue.enqueue(lane, exampleJob(lane));
      await (await consumer.take())?.acknowledge();
    }
    await consumer.close();
    expect(await redis.xlen(key('events'))).toBeLessThan(300);
  });

  it('tells a running job from an orphaned one, which may be removed', async () => {
    const job = exampleJob(lane);
    await queue.enqueue(lane, job);
    const consumer = await queue.consume(lane);
    await consumer.take();
    expect(await queue.state(lane, job.id)).toBe('running');
    await consumer.close();
    // A worker that died: its token is gone and nobody renews. The attempt count keeps this process from it, too.
    await redis.hincrby(key(job.id), 'ats', 1);
    await redis.del(`${key(job.id)}:lock`);
    expect(await queue.state(lane, job.id)).toBe('orphaned');
    expect(await queue.idle(lane, 5)).toEqual([job.id]);
    expect(await queue.remove(lane, job.id)).toBe(true);
    expect(await queue.state(lane, job.id)).toBe('absent');
  });

  it('aborts `lost` when another worker has taken the lock, and settling then does nothing', async () => {
    const job = exampleJob(lane);
    await queue.enqueue(lane, job);
    const consumer = await queue.consume(lane);
    const lease = await consumer.take();
    if (lease === undefined) throw new Error('no job');
    const lost = new Promise<void>((resolve) => {
      lease.lost.addEventListener('abort', () => resolve());
    });
    await redis.set(`${key(job.id)}:lock`, 'another worker', 'PX', 60_000);
    await lost;
    await lease.acknowledge();
    await lease.handBack();
    expect(await queue.state(lane, job.id)).toBe('running');
    await consumer.close();
  });

  it('keeps a job whose lock lapsed while Redis was away but that nobody has taken', async () => {
    const job = exampleJob(lane);
    await queue.enqueue(lane, job);
    const consumer = await queue.consume(lane);
    const lease = await consumer.take();
    await redis.del(`${key(job.id)}:lock`);
    while ((await queue.state(lane, job.id)) === 'orphaned') await new Promise((r) => setTimeout(r, 10));
    expect(await queue.state(lane, job.id)).toBe('running');
    expect(lease?.lost.aborted).toBe(false);
    await lease?.acknowledge();
    expect(await queue.state(lane, job.id)).toBe('absent');
    await consumer.close();
  });

  it('lets only a worker consume, and one take at a time', async () => {
    const producer = createBullMqJobQueue({
      redis: { url: server.url, clientName: 'spec' },
      role: 'producer',
    });
    await producer.enqueue(lane, exampleJob(lane));
    await expect(producer.consume(lane)).rejects.toMatchObject({ code: 'INTERNAL' });
    await producer.close();
    const empty: Lane = { ...lane, kind: 'media' };
    const consumer = await queue.consume(empty);
    const taking = consumer.take();
    await expect(consumer.take()).rejects.toMatchObject({ code: 'INTERNAL' });
    await consumer.stop();
    expect(await taking).toBeUndefined();
  });
});
