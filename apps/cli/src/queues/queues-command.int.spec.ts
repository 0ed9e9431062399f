import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobQueue } from '@fovea/job-queue';
import { createBullMqJobQueue } from '@fovea/job-queue/bullmq';
import { exampleJob } from '@fovea/job-queue/conformance';
import type { Lane } from '@fovea/schemas/jobs';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { exitCodes } from '../failure.js';
import { run } from '../program.js';
import { type FakeTerminal, fakeTerminal } from '../testing/fake-terminal.js';

describeIf(redisBinary, 'fovea queues', () => {
  let server: RedisServer;
  let queue: JobQueue;
  let checkpoint: string;
  let text: Lane;
  let media: Lane;
  beforeAll(async () => {
    server = await startRedisServer();
    queue = createBullMqJobQueue({ redis: { url: server.url, clientName: 'spec' }, role: 'worker' });
  });
  afterAll(async () => {
    await queue.close();
    await server.stop();
  });
  beforeEach(() => {
    checkpoint = `check/point ${randomUUID()}`;
    text = { checkpoint, kind: 'text' };
    media = { checkpoint, kind: 'media' };
  });

  const terminalHere = (): FakeTerminal => fakeTerminal({ env: { REDIS_URL: server.url } });
  const queues = async (...words: string[]) => {
    const terminal = terminalHere();
    const exitCode = await run(['queues', ...words], terminal);
    return { exitCode, out: terminal.stdout.text, err: terminal.stderr.text };
  };
  const enqueue = async (lane: Lane): Promise<string> => {
    const job = exampleJob(lane);
    await queue.enqueue(lane, job);
    return job.id;
  };
  const until = async (terminal: FakeTerminal, words: string): Promise<void> => {
    while (!terminal.stderr.text.includes(words)) await once(terminal.stderr, 'captured');
  };
  const acknowledgeNext = async (lane: Lane): Promise<void> => {
    const consumer = await queue.consume(lane);
    await (await consumer.take())?.acknowledge();
    await consumer.close();
  };

  it('lists lanes with their state, what waits and runs, and how long', async () => {
    await enqueue(text);
    await enqueue(media);
    expect((await queues('pause', checkpoint, '--lane', 'media')).err).toBe(`${checkpoint}: media paused.\n`);
    const { exitCode, out } = await queues('ls');
    expect(exitCode).toBe(exitCodes.done);
    const [heading, ...rows] = out.split('\n');
    expect(heading).toMatch(/^CHECKPOINT +LANE +STATE +WAITING +RUNNING +OLDEST$/);
    const ours = rows
      .filter((row) => row.startsWith(checkpoint))
      .map((row) => row.slice(checkpoint.length).trim());
    expect(ours).toEqual([
      expect.stringMatching(/^text +open +1 +0 +\d+\.\d s$/),
      expect.stringMatching(/^media +paused +1 +0 +\d+\.\d s$/),
    ]);
    const listed: { checkpoint: string }[] = JSON.parse((await queues('ls', '--json')).out);
    expect(listed.filter((lane) => lane.checkpoint === checkpoint)).toEqual([
      { checkpoint, lane: 'text', state: 'open', waiting: 1, running: 0, oldest_wait_s: expect.any(Number) },
      {
        checkpoint,
        lane: 'media',
        state: 'paused',
        waiting: 1,
        running: 0,
        oldest_wait_s: expect.any(Number),
      },
    ]);
  });

  it('pauses and resumes all lanes of a checkpoint', async () => {
    const id = await enqueue(text);
    await enqueue(media);
    expect((await queues('pause', checkpoint)).exitCode).toBe(exitCodes.done);
    expect((await queue.depth(text)).state).toBe('paused');
    expect((await queue.depth(media)).state).toBe('paused');
    expect((await queues('resume', checkpoint)).exitCode).toBe(exitCodes.done);
    const consumer = await queue.consume(text);
    const lease = await consumer.take();
    expect(lease?.job.id).toBe(id);
    await lease?.acknowledge();
    await consumer.close();
  });

  it('drains: waits until what waits and runs has ended, and leaves the lanes refusing', async () => {
    await enqueue(text);
    const terminal = terminalHere();
    const draining = run(['queues', 'drain', checkpoint], terminal);
    await until(terminal, `${checkpoint}/text: 1 waiting, 0 running`);
    await acknowledgeNext(text);
    expect(await draining).toBe(exitCodes.done);
    expect(terminal.stderr.text).toContain(`\`fovea queues resume ${checkpoint}\``);
    expect((await queue.depth(text)).state).toBe('draining');
  });

  it('drains with --cancel: workers take nothing more, and what is ended elsewhere is not waited for', async () => {
    const id = await enqueue(text);
    const terminal = terminalHere();
    const draining = run(['queues', 'drain', checkpoint, '--cancel'], terminal);
    await until(terminal, '1 waiting');
    expect((await queue.depth(text)).state).toBe('closed');
    await queue.remove(text, id);
    expect(await draining).toBe(exitCodes.done);
  });

  it('gives up when the time is up, when somebody opens the lane, and on Ctrl-C; the lane stays as it is', async () => {
    await enqueue(text);
    const late = await queues('drain', checkpoint, '--timeout', '0.01');
    expect(late.exitCode).toBe(exitCodes.failed);
    expect(late.err).toContain('The time is up. Not empty yet');
    const opened = terminalHere();
    const draining = run(['queues', 'drain', checkpoint], opened);
    await until(opened, '1 waiting');
    await queues('resume', checkpoint);
    expect(await draining).toBe(exitCodes.failed);
    expect(opened.stderr.text).toContain(`Somebody has set ${checkpoint}/text to open`);
    const cancelled = terminalHere();
    const drainingAgain = run(['queues', 'drain', checkpoint], cancelled);
    await until(cancelled, '1 waiting');
    cancelled.cancel.abort();
    expect(await drainingAgain).toBe(exitCodes.cancelled);
    expect(cancelled.stderr.text).toContain('goes on refusing requests');
    expect((await queue.depth(text)).state).toBe('draining');
  });

  it('refuses a checkpoint that has no lane and names those that have', async () => {
    await enqueue(text);
    const { exitCode, err } = await queues('pause', 'nobody');
    expect(exitCode).toBe(exitCodes.refused);
    expect(err).toContain('There is no lane of checkpoint nobody.');
    expect(err).toContain(checkpoint);
    expect((await queues('pause', checkpoint, '--lane', 'media')).exitCode).toBe(exitCodes.refused);
    expect((await queues('pause', checkpoint, '--lane', 'fast')).exitCode).toBe(exitCodes.usage);
    expect((await queues('drain', checkpoint, '--timeout', '-1')).exitCode).toBe(exitCodes.usage);
  });

  it('finds the Redis of a checkout, of a file, and says when there is none or it does not answer', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'fovea-queues-'));
    try {
      const bare = fakeTerminal({ env: {}, cwd });
      expect(await run(['queues', 'ls'], bare)).toBe(exitCodes.usage);
      expect(bare.stderr.text).toContain('set REDIS_URL');
      await mkdir(join(cwd, '.fovea', 'env'), { recursive: true });
      await writeFile(
        join(cwd, '.fovea', 'env', 'worker-a.env'),
        `ADAPTER_OPS_PORT='1'\nREDIS_URL='${server.url}'\n`,
      );
      expect(await run(['queues', 'ls'], fakeTerminal({ env: {}, cwd }))).toBe(exitCodes.done);
      await writeFile(join(cwd, 'redis-url'), 'redis://user:hunter2@127.0.0.1:1\n');
      const away = fakeTerminal({ env: { REDIS_URL_FILE: 'redis-url' }, cwd });
      expect(await run(['queues', 'ls'], away)).toBe(exitCodes.unreachable);
      expect(away.stderr.text).toContain('connection refused');
      expect(away.stderr.text).not.toContain('hunter2');
      const wrong = fakeTerminal({ env: { REDIS_URL: 'http://u:hunter2@h' }, cwd });
      expect(await run(['queues', 'ls'], wrong)).toBe(exitCodes.usage);
      expect(wrong.stderr.text).not.toContain('hunter2');
    } finally {
      await rm(cwd, { recursive: true, force: true });
    }
  });
});
