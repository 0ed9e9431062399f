import type { Lease } from '@fovea/job-queue';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EnginePool } from '../engine/engine-pool.js';
import { FakeBackend } from '../fakes/fake-backend.js';
import { createEngine } from '../fakes/fake-engine.js';
import { FakeJobQueue } from '../fakes/fake-job-queue.js';
import { FakeLease } from '../fakes/fake-lease.js';
import { LaneConsumer } from './lane-consumer.js';

const lane = { checkpoint: 'tiny-vlm', kind: 'text' } as const;
const never = new AbortController().signal;

/** Looks once per event-loop turn; the runner's own timeout ends a condition that never comes. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('LaneConsumer', () => {
  let backend: FakeBackend;
  let pool: EnginePool;
  let queue: FakeJobQueue;
  let consumer: LaneConsumer;
  let running: { lease: Lease; finish: () => void }[];
  let queueErrors: unknown[];
  let tokens: number;

  beforeEach(async () => {
    backend = new FakeBackend();
    pool = new EnginePool([createEngine({ backend, slots: { text: 2 } })]);
    pool.start();
    await pool.untilRoom('text', never);
    queue = new FakeJobQueue();
    running = [];
    queueErrors = [];
    tokens = 0;
    consumer = new LaneConsumer(lane, {
      queue,
      room: pool,
      run: (lease) => {
        const claim = pool.claim({ requestId: lease.job.id, lane: 'text', tokens });
        return new Promise<void>((finish) => running.push({ lease, finish })).finally(() => claim.release());
      },
      onQueueError: (_lane, error) => queueErrors.push(error),
    });
  });

  afterEach(async () => {
    for (const { finish } of running) finish();
    await consumer.close();
    await pool.stop();
  });

  const unfit = async (): Promise<void> => {
    backend.problem = new Error('engine is gone');
    await until(() => !pool.isFit);
  };

  it('runs jobs side by side up to its slots, and asks for no more than it has slots for', async () => {
    consumer.start();
    await until(() => queue.consumers[0]?.isParked === true);
    const [first] = queue.consumers;
    first!.offer(new FakeLease());
    await until(() => running.length === 1 && first!.isParked);
    first!.offer(new FakeLease());
    await until(() => running.length === 2);
    expect(first!.takes).toBe(2);
    running[0]!.finish();
    await until(() => first!.isParked);
    expect(first!.takes).toBe(3);
  });

  it('takes nothing more while a job it took waits for a place', async () => {
    pool.engines[0]!.gate.tokenBudget = 10;
    tokens = 6;
    consumer.start();
    await until(() => queue.consumers[0]?.isParked === true);
    const [first] = queue.consumers;
    first!.offer(new FakeLease());
    await until(() => running.length === 1 && first!.isParked);
    first!.offer(new FakeLease());
    await until(() => running.length === 2);
    first!.offer(new FakeLease());
    await new Promise((resolve) => setImmediate(resolve));
    expect([first!.takes, pool.waiting('text')]).toEqual([2, 1]);
    running[0]!.finish();
    await until(() => running.length === 3);
    expect(first!.takes).toBe(3);
  });

  it('ends a parked take when the engine has too much to do, and takes again when it has not', async () => {
    consumer.start();
    await until(() => queue.consumers[0]?.isParked === true);
    const { gate } = pool.engines[0]!;
    backend.engineLoad = { waiting: 5 };
    gate.readLoad(backend.engineLoad, new Set());
    await until(() => queue.consumers[0]?.isClosed === true);
    backend.engineLoad = { waiting: 0 };
    await until(() => queue.consumers[1]?.isParked === true);
  });

  it('keeps a parked take over a moment without room, and holds the job that comes in it', async () => {
    consumer.start();
    await until(() => queue.consumers[0]?.isParked === true);
    const [first] = queue.consumers;
    const { gate } = pool.engines[0]!;
    backend.engineLoad = { waiting: 5 };
    gate.readLoad(backend.engineLoad, new Set());
    first!.offer(new FakeLease());
    await until(() => running.length === 1);
    expect(pool.waiting('text')).toBe(1);
    backend.engineLoad = { waiting: 0 };
    await until(() => pool.waiting('text') === 0 && first!.isParked);
    expect(queue.consumers).toHaveLength(1);
  });

  it('takes nothing before the engine is fit', async () => {
    await unfit();
    consumer.start();
    const probes = backend.probes;
    await until(() => backend.probes > probes + 5);
    expect(queue.consumers).toHaveLength(0);
    backend.problem = undefined;
    await until(() => queue.consumers[0]?.isParked === true);
  });

  it('ends a parked take when the engine becomes unfit, and takes again with a new consumer', async () => {
    consumer.start();
    await until(() => queue.consumers[0]?.isParked === true);
    await unfit();
    await until(() => queue.consumers[0]?.isClosed === true);
    backend.problem = undefined;
    await until(() => queue.consumers[1]?.isParked === true);
  });

  it('leaves a running job and its lock alone when the engine becomes unfit', async () => {
    consumer.start();
    await until(() => queue.consumers[0]?.isParked === true);
    queue.consumers[0]!.offer(new FakeLease());
    await until(() => running.length === 1);
    await unfit();
    await until(() => queue.consumers[0]?.isStopped === true);
    expect(queue.consumers[0]!.isClosed).toBe(false);
    running[0]!.finish();
    await until(() => queue.consumers[0]?.isClosed === true);
  });

  it('stops taking on stop, and closes only after the running jobs', async () => {
    consumer.start();
    await until(() => queue.consumers[0]?.isParked === true);
    queue.consumers[0]!.offer(new FakeLease());
    await until(() => running.length === 1);
    await consumer.stop();
    expect(queue.consumers[0]!.isStopped).toBe(true);
    expect(queue.consumers[0]!.isClosed).toBe(false);
    running[0]!.finish();
    await consumer.close();
    expect(queue.consumers[0]!.isClosed).toBe(true);
    expect(pool.engines[0]!.gate.lanes).toEqual([{ lane: 'text', inUse: 0, effective: 2, total: 2 }]);
  });

  it('stops while every slot is taken', async () => {
    consumer.start();
    await until(() => queue.consumers[0]?.isParked === true);
    queue.consumers[0]!.offer(new FakeLease());
    queue.consumers[0]!.offer(new FakeLease());
    await until(() => running.length === 2);
    await consumer.stop();
    expect(queue.consumers[0]!.takes).toBe(2);
  });

  it('reports a queue that fails, and stays stoppable while it waits to try again', async () => {
    queue.problem = new Error('READONLY');
    consumer.start();
    await until(() => queueErrors.length === 1);
    await consumer.stop();
    expect(queue.consumers).toHaveLength(0);
  });
});
