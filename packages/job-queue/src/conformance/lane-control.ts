import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Lane } from '@fovea/schemas/jobs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exampleJob, type JobQueueFixture } from '../conformance.js';
import {
  type Consumer,
  type JobQueue,
  type LaneControl,
  type Lease,
  NICE_PRIORITY,
  NICE_SHARE,
} from '../index.js';

export interface LaneControlFixture extends JobQueueFixture {
  /** An operator's handle on the same store. The suite closes it. */
  control(): Promise<LaneControl>;
}

/** Longer than a parked consumer sleeps before it looks by itself. */
const LOOKS_AGAIN_MS = 1_500;

/** The contract of `LaneControl`, and of a `JobQueue` whose lanes it controls, as tests; every adapter passes them. */
export function describeLaneControl(name: string, make: () => Promise<LaneControlFixture>): void {
  describe(`${name} as the control of lanes`, () => {
    let fixture: LaneControlFixture;
    let queue: JobQueue;
    let control: LaneControl;
    let lane: Lane;

    beforeAll(async () => {
      fixture = await make();
      queue = await fixture.connect();
      control = await fixture.control();
    });
    afterAll(async () => {
      await control.close();
      await queue.close();
      await fixture.stop();
    });
    beforeEach(() => {
      lane = { checkpoint: `check/point: ${randomUUID()}`, kind: 'text' };
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
    const takeIds = async (consumer: Consumer, count: number): Promise<string[]> => {
      const ids: string[] = [];
      while (ids.length < count) {
        const lease = await takeOne(consumer);
        ids.push(lease.job.id);
        await lease.acknowledge();
      }
      return ids;
    };
    /** What a `take` has brought after a while in which nothing should come. */
    const broughtMeanwhile = (taking: Promise<Lease | undefined>): Promise<Lease | undefined> =>
      Promise.race([taking, once(AbortSignal.timeout(LOOKS_AGAIN_MS), 'abort').then(() => undefined)]);

    it('lists lanes that held a job or were given a state, and nothing that is no lane', async () => {
      const media: Lane = { ...lane, kind: 'media' };
      const [id] = await enqueue(1);
      await queue.remove(lane, id ?? '');
      await control.setState(media, 'paused');
      const ours = (await control.lanes()).filter(({ checkpoint }) => checkpoint === lane.checkpoint);
      expect(ours).toEqual([lane, media]);
    });

    it('tells how many jobs wait and run and since when', async () => {
      expect(await control.status(lane)).toEqual({
        waiting: 0,
        active: 0,
        state: 'open',
        oldestWaitMs: undefined,
      });
      await enqueue(1, NICE_PRIORITY);
      const atMs = performance.now();
      await once(AbortSignal.timeout(200), 'abort');
      await enqueue(2);
      const elapsedMs = performance.now() - atMs;
      const { oldestWaitMs, ...depth } = await control.status(lane);
      expect(depth).toEqual({ waiting: 3, active: 0, state: 'open' });
      expect(oldestWaitMs).toBeGreaterThanOrEqual(elapsedMs - 50);
      const consumer = await queue.consume(lane);
      const lease = await takeOne(consumer);
      expect(await control.status(lane)).toMatchObject({ waiting: 2, active: 1 });
      await lease.acknowledge();
      await consumer.close();
    });

    it('sums up what waits by model: without what is taken, with what is handed back', async () => {
      expect(await control.waitingWork(lane)).toEqual([]);
      const jobs = [
        { ...exampleJob(lane), expectedTokens: 100 },
        { ...exampleJob(lane), expectedTokens: 20 },
        { ...exampleJob(lane), model: 'other: "m"', expectedTokens: 3 },
        exampleJob(lane),
      ];
      for (const job of jobs) await queue.enqueue(lane, job);
      await queue.enqueue(lane, { ...exampleJob(lane), expectedTokens: 7 }, { priority: NICE_PRIORITY });
      const work = async () =>
        Object.fromEntries((await control.waitingWork(lane)).map(({ model, ...sums }) => [model, sums]));
      const others = { 'other: "m"': { jobs: 1, tokens: 3 } };
      expect(await work()).toEqual({ m: { jobs: 4, tokens: 127 }, ...others });
      const consumer = await queue.consume(lane);
      const lease = await takeOne(consumer);
      expect(await work()).toEqual({ m: { jobs: 3, tokens: 27 }, ...others });
      await lease.handBack();
      expect(await work()).toEqual({ m: { jobs: 4, tokens: 127 }, ...others });
      await queue.remove(lane, jobs[1]?.id ?? '');
      expect(await work()).toEqual({ m: { jobs: 3, tokens: 107 }, ...others });
      await takeIds(consumer, 4);
      expect(await work()).toEqual({});
      await consumer.close();
    });

    it.each(['paused', 'closed'] as const)(
      'gives nothing of a %s lane, and everything when it is open',
      async (state) => {
        const consumer = await queue.consume(lane);
        const taking = consumer.take();
        await control.setState(lane, state);
        const [id] = await enqueue(1);
        expect(await queue.depth(lane)).toEqual({ waiting: 1, active: 0, state });
        expect(await broughtMeanwhile(taking)).toBeUndefined();
        expect(await queue.idle(lane, 10)).toEqual([id]);
        await control.setState(lane, 'open');
        const lease = await taking;
        expect(lease?.job.id).toBe(id);
        await lease?.acknowledge();
        await consumer.close();
      },
    );

    it('gives the jobs of a draining lane, and says that it takes no more', async () => {
      const ids = await enqueue(3);
      await control.setState(lane, 'draining');
      expect(await queue.depth(lane)).toEqual({ waiting: 3, active: 0, state: 'draining' });
      const consumer = await queue.consume(lane);
      expect(await takeIds(consumer, 3)).toEqual(ids);
      await consumer.close();
      expect((await queue.depth(lane)).state).toBe('draining');
    });

    it('leaves what runs alone; handed back, it stays and is first again', async () => {
      const [first, second] = await enqueue(2);
      const consumer = await queue.consume(lane);
      const lease = await takeOne(consumer);
      await control.setState(lane, 'paused');
      expect(await queue.state(lane, lease.job.id)).toBe('running');
      await lease.handBack();
      const taking = consumer.take();
      expect(await broughtMeanwhile(taking)).toBeUndefined();
      expect(await queue.depth(lane)).toMatchObject({ waiting: 2, active: 0 });
      await control.setState(lane, 'open');
      const again = await taking;
      expect(again?.job.id).toBe(first);
      await again?.acknowledge();
      expect(await takeIds(consumer, 1)).toEqual([second]);
      await consumer.close();
    });

    it('lets no nice job get before its turn while the lane is paused', async () => {
      const normal = await enqueue(NICE_SHARE + 1);
      const consumer = await queue.consume(lane);
      // The next one is the turn of a nice job.
      expect(await takeIds(consumer, NICE_SHARE - 1)).toEqual(normal.slice(0, -2));
      await control.setState(lane, 'paused');
      const nice = await enqueue(3, NICE_PRIORITY);
      const taking = consumer.take();
      expect(await broughtMeanwhile(taking)).toBeUndefined();
      await control.setState(lane, 'open');
      const lease = await taking;
      expect(lease?.job.id).toBe(nice[0]);
      await lease?.acknowledge();
      expect(await takeIds(consumer, 4)).toEqual([...normal.slice(-2), ...nice.slice(1)]);
      await consumer.close();
    });

    it('keeps a state through new consumers and producers', async () => {
      await control.setState(lane, 'paused');
      const other = await fixture.connect();
      const job = exampleJob(lane);
      await other.enqueue(lane, job);
      const consumer = await other.consume(lane);
      expect(await broughtMeanwhile(consumer.take())).toBeUndefined();
      await consumer.close();
      await other.close();
      const late = await fixture.control();
      expect(await late.status(lane)).toMatchObject({ waiting: 1, state: 'paused' });
      await late.close();
    });

    it('takes each state from each other', async () => {
      const states = [
        'paused',
        'closed',
        'draining',
        'paused',
        'draining',
        'closed',
        'open',
        'draining',
        'open',
      ] as const;
      for (const state of states) {
        await control.setState(lane, state);
        expect((await queue.depth(lane)).state).toBe(state);
      }
    });
  });
}
