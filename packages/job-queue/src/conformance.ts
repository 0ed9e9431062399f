import { randomUUID } from 'node:crypto';
import { type InferenceJob, type Lane, MAX_ENVELOPE_BYTES } from '@fovea/schemas/jobs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type Consumer,
  type JobQueue,
  type Lease,
  MAX_PRIORITY,
  NICE_PRIORITY,
  NICE_SHARE,
} from './index.js';

/** What an adapter brings to its conformance tests: handles of several processes on one store. */
export interface JobQueueFixture {
  /** A handle of its own, as another process would have it. The suite closes it. */
  connect(): Promise<JobQueue>;
  stop(): Promise<void>;
}

/** A small valid envelope for a lane. */
export function exampleJob(lane: Lane, id: string = randomUUID()): InferenceJob {
  return {
    v: 1,
    id,
    tenant: 'acme',
    model: 'm',
    checkpoint: lane.checkpoint,
    lane: lane.kind,
    deadlineAtMs: Date.now() + 60_000,
    task: {
      kind: 'chat',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
      sampling: { temperature: 0.5 },
    },
    blobs: [],
  };
}

/** The contract of `JobQueue` as tests; every adapter passes them. */
export function describeJobQueue(name: string, make: () => Promise<JobQueueFixture>): void {
  describe(`${name} as a job queue`, () => {
    let fixture: JobQueueFixture;
    let queue: JobQueue;
    let lane: Lane;

    beforeAll(async () => {
      fixture = await make();
      queue = await fixture.connect();
    });
    afterAll(async () => {
      await queue.close();
      await fixture.stop();
    });
    beforeEach(() => {
      lane = { checkpoint: `check/point ${randomUUID()}`, kind: 'text' };
    });

    const enqueue = async (count: number, priority?: number): Promise<string[]> => {
      const jobs = Array.from({ length: count }, () => exampleJob(lane));
      for (const job of jobs) await queue.enqueue(lane, job, priority === undefined ? {} : { priority });
      return jobs.map((job) => job.id);
    };
    const takeOne = async (consumer: Consumer): Promise<Lease> => {
      const lease = await consumer.take();
      if (lease === undefined) throw new Error('the consumer was stopped');
      return lease;
    };
    const withConsumer = async (body: (consumer: Consumer) => Promise<void>): Promise<void> => {
      const consumer = await queue.consume(lane);
      try {
        await body(consumer);
      } finally {
        await consumer.close();
      }
    };

    it('hands a job over whole and forgets it once acknowledged', async () => {
      const job = exampleJob(lane);
      await queue.enqueue(lane, job);
      expect(await queue.state(lane, job.id)).toBe('waiting');
      expect(await queue.depth(lane)).toMatchObject({ waiting: 1, active: 0 });
      await withConsumer(async (consumer) => {
        const lease = await takeOne(consumer);
        expect(lease.job).toEqual(job);
        expect(lease.attempt).toBe(1);
        expect(lease.waitedMs).toBeGreaterThanOrEqual(0);
        expect(lease.waitedMs).toBeLessThan(20_000);
        expect(lease.fence).not.toBe('');
        expect(await queue.state(lane, job.id)).toBe('running');
        expect(await queue.depth(lane)).toMatchObject({ waiting: 0, active: 1 });
        await lease.acknowledge();
        await lease.acknowledge();
        expect(lease.lost.aborted).toBe(false);
      });
      expect(await queue.state(lane, job.id)).toBe('absent');
      expect(await queue.depth(lane)).toMatchObject({ waiting: 0, active: 0 });
    });

    it('wakes a parked consumer', async () => {
      await withConsumer(async (consumer) => {
        const taking = takeOne(consumer);
        const [id] = await enqueue(1);
        const lease = await taking;
        expect(lease.job.id).toBe(id);
        await lease.acknowledge();
      });
    });

    it('keeps the order within a priority and lets lower numbers go first', async () => {
      const nice = await enqueue(2, NICE_PRIORITY);
      const last = await enqueue(1, MAX_PRIORITY);
      const normal = await enqueue(3);
      const urgent = await enqueue(1, 1);
      const seen: string[] = [];
      await withConsumer(async (consumer) => {
        while (seen.length < 7) {
          const lease = await takeOne(consumer);
          seen.push(lease.job.id);
          await lease.acknowledge();
        }
      });
      expect(seen).toEqual([...urgent, ...normal, ...nice, ...last]);
    });

    it('gives the nice ones every so many a turn, in their order, and the others all the rest', async () => {
      const nice = await enqueue(3, NICE_PRIORITY);
      const normal = await enqueue(3 * NICE_SHARE);
      const seen: string[] = [];
      await withConsumer(async (consumer) => {
        while (seen.length < nice.length + normal.length) {
          const lease = await takeOne(consumer);
          seen.push(lease.job.id);
          await lease.acknowledge();
        }
      });
      const turns = seen.flatMap((id, index) => (nice.includes(id) ? [[id, index]] : []));
      expect(turns).toEqual(nice.map((id, index) => [id, (index + 1) * NICE_SHARE - 1]));
      expect(seen.filter((id) => !nice.includes(id))).toEqual(normal);
    });

    it('lets no nice job wait for ever while others keep coming', async () => {
      const [nice] = await enqueue(1, NICE_PRIORITY);
      await enqueue(2);
      await withConsumer(async (consumer) => {
        let before = 0;
        for (let lease = await takeOne(consumer); lease.job.id !== nice; lease = await takeOne(consumer)) {
          before += 1;
          expect(before).toBeLessThan(NICE_SHARE);
          await enqueue(1);
          await lease.acknowledge();
        }
      });
    });

    it('lets a nice job that is handed back be first among its like again, not before the others', async () => {
      const nice = await enqueue(2, NICE_PRIORITY);
      await withConsumer(async (consumer) => {
        await (await takeOne(consumer)).handBack();
        const normal = await enqueue(1);
        const seen: string[] = [];
        while (seen.length < 3) {
          const lease = await takeOne(consumer);
          seen.push(lease.job.id);
          await lease.acknowledge();
        }
        expect(seen).toEqual([...normal, ...nice]);
      });
    });

    it.each([0, -1, 1.5, MAX_PRIORITY + 1])('refuses priority %p', async (priority) => {
      await expect(queue.enqueue(lane, exampleJob(lane), { priority })).rejects.toMatchObject({
        code: 'INTERNAL',
      });
      expect((await queue.depth(lane)).waiting).toBe(0);
    });

    it('refuses an envelope that is too large, invalid, or for another lane', async () => {
      const large = exampleJob(lane);
      const huge = { ...large, model: 'ä'.repeat(MAX_ENVELOPE_BYTES / 2) };
      await expect(queue.enqueue(lane, huge)).rejects.toMatchObject({ code: 'INTERNAL' });
      await expect(queue.enqueue(lane, { ...large, id: 'not a uuid' })).rejects.toMatchObject({
        code: 'INTERNAL',
      });
      const other: Lane = { ...lane, kind: 'media' };
      await expect(queue.enqueue(other, large)).rejects.toMatchObject({ code: 'INTERNAL' });
      expect((await queue.depth(lane)).waiting).toBe(0);
    });

    it('ignores a second enqueue of the same id', async () => {
      const job = exampleJob(lane);
      await queue.enqueue(lane, job);
      await queue.enqueue(lane, { ...job, model: 'other' });
      expect((await queue.depth(lane)).waiting).toBe(1);
      await withConsumer(async (consumer) => {
        const lease = await takeOne(consumer);
        expect(lease.job.model).toBe(job.model);
        await queue.enqueue(lane, job);
        expect(await queue.depth(lane)).toMatchObject({ waiting: 0, active: 1 });
        await lease.acknowledge();
      });
    });

    it('keeps lanes apart', async () => {
      const media: Lane = { ...lane, kind: 'media' };
      const [id] = await enqueue(1);
      expect(await queue.depth(media)).toMatchObject({ waiting: 0, active: 0 });
      expect(await queue.state(media, id ?? '')).toBe('absent');
      expect(await queue.remove(media, id ?? '')).toBe(false);
      expect(await queue.idle(media, 10)).toEqual([]);
    });

    it('gives a job that was handed back to the next worker, before those behind it', async () => {
      const [first, second] = await enqueue(2);
      await withConsumer(async (consumer) => {
        const lease = await takeOne(consumer);
        expect(lease.job.id).toBe(first);
        await lease.handBack();
        expect(await queue.state(lane, lease.job.id)).toBe('waiting');
        const again = await takeOne(consumer);
        expect([again.job.id, again.attempt]).toEqual([first, 2]);
        expect(again.fence).not.toBe(lease.fence);
        await again.acknowledge();
        const next = await takeOne(consumer);
        expect(next.job.id).toBe(second);
        await next.acknowledge();
      });
    });

    it('wakes a parked consumer for a job that was handed back', async () => {
      await enqueue(1);
      await withConsumer(async (one) => {
        const lease = await takeOne(one);
        await withConsumer(async (two) => {
          const taking = takeOne(two);
          await lease.handBack();
          const again = await taking;
          expect(again.job.id).toBe(lease.job.id);
          await again.acknowledge();
        });
      });
    });

    it('removes a job nobody works on, and no other', async () => {
      const [taken, waiting] = await enqueue(2);
      await withConsumer(async (consumer) => {
        const lease = await takeOne(consumer);
        expect(await queue.idle(lane, 10)).toEqual([waiting]);
        expect(await queue.remove(lane, taken ?? '')).toBe(false);
        expect(await queue.remove(lane, waiting ?? '')).toBe(true);
        expect(await queue.remove(lane, waiting ?? '')).toBe(false);
        expect(await queue.state(lane, waiting ?? '')).toBe('absent');
        await lease.acknowledge();
      });
      expect(await queue.idle(lane, 10)).toEqual([]);
    });

    it('lists idle jobs next in line first, up to the limit', async () => {
      const ids = await enqueue(5);
      expect(await queue.idle(lane, 3)).toEqual(ids.slice(0, 3));
      expect(await queue.idle(lane, 0)).toEqual([]);
    });

    it('ends a parked take when stopped, and takes nothing more', async () => {
      const consumer = await queue.consume(lane);
      const taking = consumer.take();
      await consumer.stop();
      expect(await taking).toBeUndefined();
      const [id] = await enqueue(1);
      expect(await consumer.take()).toBeUndefined();
      await consumer.close();
      expect(await queue.state(lane, id ?? '')).toBe('waiting');
    });

    it('lets a running lease be settled after its consumer was stopped', async () => {
      await enqueue(1);
      const consumer = await queue.consume(lane);
      const lease = await takeOne(consumer);
      await consumer.stop();
      await lease.acknowledge();
      await consumer.close();
      expect(await queue.state(lane, lease.job.id)).toBe('absent');
    });

    it('swallows no job when it is stopped in the moment one arrives', async () => {
      const seen = new Set<string>();
      const ids: string[] = [];
      for (let round = 0; round < 30; round++) {
        const consumer = await queue.consume(lane);
        const taking = consumer.take();
        const enqueueing = enqueue(1);
        if (round % 3 === 0) await Promise.resolve();
        if (round % 3 === 1) await new Promise((resolve) => setImmediate(resolve));
        if (round % 3 === 2) await enqueueing;
        await consumer.stop();
        const lease = await taking;
        if (lease !== undefined) {
          seen.add(lease.job.id);
          await lease.acknowledge();
        }
        ids.push(...(await enqueueing));
        await consumer.close();
      }
      await withConsumer(async (consumer) => {
        while (seen.size < ids.length) {
          const lease = await takeOne(consumer);
          expect(seen.has(lease.job.id)).toBe(false);
          seen.add(lease.job.id);
          await lease.acknowledge();
        }
      });
      expect(await queue.depth(lane)).toMatchObject({ waiting: 0, active: 0 });
    });

    it('delivers 500 jobs to three workers, each exactly once', async () => {
      const ids = Array.from({ length: 500 }, () => randomUUID());
      const seen: string[] = [];
      const workers = await Promise.all([1, 2, 3].map(() => fixture.connect()));
      const consumers = await Promise.all(workers.map((worker) => worker.consume(lane)));
      const working = consumers.map(async (consumer) => {
        for (let lease = await consumer.take(); lease !== undefined; lease = await consumer.take()) {
          seen.push(lease.job.id);
          expect(lease.attempt).toBe(1);
          await lease.acknowledge();
          if (seen.length === ids.length) await Promise.all(consumers.map((each) => each.stop()));
        }
      });
      await Promise.all(ids.map((id) => queue.enqueue(lane, exampleJob(lane, id))));
      await Promise.all(working);
      await Promise.all(workers.map((worker) => worker.close()));
      expect(seen.toSorted()).toEqual(ids.toSorted());
      expect(await queue.depth(lane)).toMatchObject({ waiting: 0, active: 0 });
    });
  });
}
