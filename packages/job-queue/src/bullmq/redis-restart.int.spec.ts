import { randomUUID } from 'node:crypto';
import type { Lane } from '@fovea/schemas/jobs';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { exampleJob } from '../conformance.js';
import type { JobQueue } from '../index.js';
import { createBullMqJobQueue } from './bullmq-job-queue.js';

describeIf(redisBinary, 'BullMqJobQueue when Redis crashes and comes back', () => {
  let server: RedisServer;
  let queue: JobQueue;
  const lane: Lane = { checkpoint: randomUUID(), kind: 'text' };
  beforeEach(async () => {
    server = await startRedisServer({ appendOnly: true });
    queue = createBullMqJobQueue({ redis: { url: server.url, clientName: 'spec' }, role: 'worker' });
  });
  afterEach(async () => {
    await queue.close();
    await server.stop();
  });

  it('goes on consuming by itself', async () => {
    const consumer = await queue.consume(lane);
    const taking = consumer.take();
    await server.kill();
    await server.restart();
    const job = exampleJob(lane);
    await queue.enqueue(lane, job);
    const lease = await taking;
    expect(lease?.job.id).toBe(job.id);
    await lease?.acknowledge();
    expect(await queue.state(lane, job.id)).toBe('absent');
  });

  it('keeps waiting jobs, and leaves running ones to their workers though their locks have lapsed', async () => {
    const [running, waiting] = [exampleJob(lane), exampleJob(lane)];
    await queue.enqueue(lane, running);
    await queue.enqueue(lane, waiting);
    const consumer = await queue.consume(lane);
    const lease = await consumer.take();
    expect(lease?.job.id).toBe(running.id);
    await server.kill();
    // Longer than a lock lives, so that it is certain to have lapsed; nothing is decided by how much longer.
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    await server.restart();
    const next = await consumer.take();
    expect(next?.job.id).toBe(waiting.id);
    while ((await queue.state(lane, running.id)) !== 'running') {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(lease?.lost.aborted).toBe(false);
    await lease?.acknowledge();
    await next?.acknowledge();
    expect(await queue.depth(lane)).toMatchObject({ waiting: 0, active: 0 });
  });

  it('ends a take at once when it is stopped while Redis is away', async () => {
    const consumer = await queue.consume(lane);
    const taking = consumer.take();
    await server.kill();
    await consumer.stop();
    expect(await taking).toBeUndefined();
    await server.restart();
  });
});
