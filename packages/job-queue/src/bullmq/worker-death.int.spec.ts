import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Lane } from '@fovea/schemas/jobs';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { exampleJob } from '../conformance.js';
import type { JobQueue } from '../index.js';
import { createBullMqJobQueue } from './bullmq-job-queue.js';
import { createBullMqLaneControl } from './bullmq-lane-control.js';

const testFolder = new URL('../../test/', import.meta.url);
const childFile = fileURLToPath(new URL('consumer-child.mjs', testFolder));

describeIf(redisBinary, 'BullMqJobQueue and the death of a worker process', () => {
  let server: RedisServer;
  let queue: JobQueue;
  let lane: Lane;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    server = await startRedisServer();
    queue = createBullMqJobQueue({ redis: { url: server.url, clientName: 'spec' }, role: 'worker' });
  });
  afterAll(async () => {
    await queue.close();
    await server.stop();
  });
  beforeEach(() => {
    lane = { checkpoint: randomUUID(), kind: 'text' };
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** Starts a child; `says` resolves with its next line. */
  const startChild = (...args: string[]): { readonly child: ChildProcess; says(): Promise<string> } => {
    const flags = ['--conditions=source', '--import', '@fovea/testing/register-typescript'];
    const child = spawn(process.execPath, [...flags, childFile, server.url, lane.checkpoint, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, says: async () => (await lines.next()).value ?? 'nothing: it ended' };
  };

  it('hands the job of a killed worker to another one', async () => {
    const job = exampleJob(lane);
    await queue.enqueue(lane, job);
    const { child, says } = startChild('hold');
    expect(await says()).toBe('taken');
    const consumer = await queue.consume(lane);
    const taking = consumer.take();
    const killedAtMs = performance.now();
    child.kill('SIGKILL');
    const lease = await taking;
    const handedOverMs = Math.round(performance.now() - killedAtMs);
    process.stdout.write(`job of a killed worker handed over after ${handedOverMs} ms\n`);
    expect(lease?.job.id).toBe(job.id);
    expect(lease?.attempt).toBe(2);
    await lease?.acknowledge();
    await consumer.close();
  });

  it('counts the work of killed workers, and of none twice, as soon as it waits again', async () => {
    const control = createBullMqLaneControl({ url: server.url, clientName: 'spec' });
    const jobs = [1, 10, 100].map((expectedTokens) => ({ ...exampleJob(lane), expectedTokens }));
    for (const job of jobs) await queue.enqueue(lane, job);
    const held = [startChild('hold'), startChild('hold')];
    for (const { says } of held) expect(await says()).toBe('taken');
    expect(await control.waitingWork(lane)).toEqual([{ model: 'm', jobs: 1, tokens: 100 }]);
    for (const { child } of held) child.kill('SIGKILL');
    // Somebody has to look after the dead; a lane that is paused gives that one nothing.
    await control.setState(lane, 'paused');
    const consumer = await queue.consume(lane);
    while ((await control.status(lane)).waiting < 3) await new Promise(setImmediate);
    expect(await control.waitingWork(lane)).toEqual([{ model: 'm', jobs: 3, tokens: 111 }]);
    await consumer.close();
    await control.close();
  });

  it('leaves its job to a worker whose event loop is blocked for four seconds', async () => {
    const job = exampleJob(lane);
    await queue.enqueue(lane, job);
    const { child, says } = startChild('block', '4000');
    const exited = once(child, 'exit');
    expect(await says()).toBe('taken');
    const consumer = await queue.consume(lane);
    const taking = consumer.take();
    expect(await says()).toBe('kept');
    await exited;
    expect(await queue.state(lane, job.id)).toBe('absent');
    await consumer.stop();
    expect(await taking).toBeUndefined();
    await consumer.close();
  });

  it('takes the job from a worker whose event loop is dead', async () => {
    const job = exampleJob(lane);
    await queue.enqueue(lane, job);
    const { says } = startChild('block', '6000', '1000');
    expect(await says()).toBe('taken');
    const consumer = await queue.consume(lane);
    const lease = await consumer.take();
    expect([lease?.job.id, lease?.attempt]).toEqual([job.id, 2]);
    expect(await says()).toBe('lost');
    expect(lease?.lost.aborted).toBe(false);
    await lease?.acknowledge();
    await consumer.close();
  });
});
