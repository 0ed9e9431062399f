import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import {
  describeIf,
  freePort,
  type RedisServer,
  type Requirement,
  redisBinary,
  startRedisServer,
} from '@fovea/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { FakeGateway, textOf } from './fakes/fake-gateway.js';

const script = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Only a process of its own can be killed, and Node runs built code. */
const builtAdapterAndRedis: Requirement = {
  name: 'the built worker-adapter and redis-server',
  missing: () =>
    redisBinary.missing() ??
    (existsSync(script) ? undefined : 'npm run build makes apps/worker-adapter/dist'),
};

const workerToml = (description = 'for tests'): string => `
edition = 1
[generator]
type = "vllm"
max_num_seqs = 1
[queue]
checkpoint_name = "tiny"
version = 1
[queue.models.tiny]
description = "${description}"
[queue.models.tiny.chat_task]
supported = true
`;

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAtMs = performance.now() + 45_000;
  while (!(await condition())) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describeIf(builtAdapterAndRedis, 'the worker-adapter as a process', () => {
  let redis: RedisServer;
  let folder: string;
  let engine: FakeVllm;
  let gateway: FakeGateway;
  let children: ChildProcess[];
  const output = new Map<ChildProcess, string>();

  const launch = (args: readonly string[], env: Record<string, string>): ChildProcess => {
    const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    output.set(child, '');
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => output.set(child, `${output.get(child) ?? ''}${bytes}`));
    }
    return child;
  };

  const launchWorker = async (toml = workerToml()): Promise<{ child: ChildProcess; opsPort: number }> => {
    const path = join(folder, `worker-${children.length}.toml`);
    await writeFile(path, toml);
    const opsPort = await freePort();
    const child = launch(['--config', path], {
      BLOB_STORE_URL: `file://${folder}/blobs`,
      REDIS_URL: redis.url,
      ADAPTER_ENGINE_URL: engine.url,
      ADAPTER_OPS_PORT: `${opsPort}`,
    });
    return { child, opsPort };
  };

  const startWorker = async (): Promise<ChildProcess> => {
    const { child, opsPort } = await launchWorker();
    await until('the worker to be ready', async () => {
      if (child.exitCode !== null) throw new Error(`the worker ended: ${output.get(child)}`);
      const answer = await fetch(`http://127.0.0.1:${opsPort}/health/ready`).catch(() => undefined);
      return answer?.status === 200;
    });
    return child;
  };

  const ended = async (child: ChildProcess): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  };

  // A Redis for each test: a killed worker counts as present for its grace.
  beforeEach(async () => {
    redis = await startRedisServer();
    folder = await mkdtemp(join(tmpdir(), 'fovea-adapter-'));
    await mkdir(join(folder, 'blobs'));
    engine = await startFakeVllm({ model: 'tiny' });
    gateway = new FakeGateway(redis.url, join(folder, 'blobs'), 'tiny');
    children = [];
  });
  afterEach(async () => {
    for (const child of children) {
      child.kill('SIGKILL');
      await ended(child);
    }
    await gateway.close();
    await engine.close();
    await redis.stop();
    await rm(folder, { recursive: true });
  });

  it('when killed, leaves its silent job and its queue to another one', async () => {
    const first = await startWorker();
    const hold = engine.hold({ match: 'silent', afterTokens: 0 });
    const silent = gateway.answer(await gateway.ask('silent so far'));
    await hold.reached();
    const queued = gateway.answer(await gateway.ask('queued behind'));
    await startWorker();
    first.kill('SIGKILL');
    const events = await silent;
    expect(events[0]).toMatchObject({ type: 'generation-start', attempt: 2 });
    expect(textOf(events)).toContain('silent so far');
    expect(textOf(await queued)).toContain('queued behind');
  });

  it('when killed in the middle of an answer, has another one end it with what was used', async () => {
    const first = await startWorker();
    const hold = engine.hold({ match: 'half', afterTokens: 3 });
    const id = await gateway.ask('half an answer');
    const answer = gateway.answer(id);
    await hold.reached();
    await until('the output in the log', async () => (await gateway.stream.state(id)).hasOutput);
    await startWorker();
    const killedAtMs = performance.now();
    first.kill('SIGKILL');
    const events = await answer;
    const tookMs = performance.now() - killedAtMs;
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      code: 'STREAM_INTERRUPTED',
      usage: { completionTokens: expect.any(Number) },
    });
    expect(events.filter((event) => event.type === 'generation-start')).toHaveLength(1);
    // The promise is 4 s to the client; a machine under load gets more here.
    expect(tookMs).toBeLessThan(20_000);
    await until('the queue to be empty', async () => {
      const depth = await gateway.queue.depth({ checkpoint: 'tiny', kind: 'text' });
      return depth.waiting + depth.active === 0;
    });
  });

  it('on SIGTERM finishes its stream, then ends with code 0', async () => {
    const child = await startWorker();
    const hold = engine.hold({ afterTokens: 2 });
    const answer = gateway.answer(await gateway.ask('finish what you began'));
    await hold.reached();
    child.kill('SIGTERM');
    await until('the model to be unavailable', async () => (await gateway.modelStatus()) === 'unavailable');
    hold.release();
    expect((await answer).at(-1)?.type).toBe('generation-end');
    expect(await ended(child)).toBe(0);
  });

  it('on a second signal ends what runs at once', async () => {
    const child = await startWorker();
    const hold = engine.hold({ afterTokens: 2 });
    const answer = gateway.answer(await gateway.ask('finish what you began'));
    await hold.reached();
    child.kill('SIGTERM');
    await until('the model to be unavailable', async () => (await gateway.modelStatus()) === 'unavailable');
    child.kill('SIGINT');
    expect((await answer).at(-1)).toMatchObject({ code: 'STREAM_INTERRUPTED' });
    expect(await ended(child)).toBe(0);
  });

  it('registers again and goes on when Redis comes back empty', async () => {
    await startWorker();
    expect((await gateway.answer(await gateway.ask('before'))).at(-1)?.type).toBe('generation-end');
    await redis.kill();
    await redis.restart();
    await until('the model to be listed again', async () => {
      const status = await gateway.modelStatus().catch(() => undefined);
      return status === 'available';
    });
    expect(textOf(await gateway.answer(await gateway.ask('after')))).toContain('after');
  });

  it('ends on SIGTERM although Redis is gone', async () => {
    const child = await startWorker();
    await redis.kill();
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    await redis.restart();
  });

  it('ends with code 1 and the reason when its package conflicts', async () => {
    await startWorker();
    const { child } = await launchWorker(workerToml('other words'));
    expect(await ended(child)).toBe(1);
    expect(output.get(child)).toContain('MODEL_PACKAGE_CONFLICT');
  });

  it('ends with code 1 and every problem when it cannot start', async () => {
    const child = launch([], { ADAPTER_TEXT_SLOTS: 'many' });
    expect(await ended(child)).toBe(1);
    expect(output.get(child)).toContain('ADAPTER_TEXT_SLOTS');
    expect(output.get(child)).toContain('BLOB_STORE_URL');
  });

  it('ends with code 1 when its ops port is taken', async () => {
    const path = join(folder, 'worker.toml');
    await writeFile(path, workerToml());
    const child = launch(['--config', path], {
      BLOB_STORE_URL: `file://${folder}/blobs`,
      REDIS_URL: redis.url,
      ADAPTER_ENGINE_URL: engine.url,
      ADAPTER_OPS_PORT: `${engine.port}`,
    });
    expect(await ended(child)).toBe(1);
    expect(output.get(child)).toContain('EADDRINUSE');
  });

  it('writes no words of the client into its log', async () => {
    const child = await startWorker();
    const answer = gateway.answer(await gateway.ask('my secret is plum'));
    expect(textOf(await answer)).toContain('plum');
    engine.script({ behaviour: { fault: { kind: 'status', status: 400, message: 'bad plum' } } });
    await gateway.answer(await gateway.ask('plum again'));
    child.kill('SIGTERM');
    await ended(child);
    expect(output.get(child)).toContain('generation finished');
    expect(output.get(child)?.replaceAll('bad plum', '')).not.toContain('plum');
  });
});
