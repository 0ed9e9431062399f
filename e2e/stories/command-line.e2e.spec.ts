import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type CommandRun, fovea } from '../support/command.js';
import { System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

const adminKey = 'key-of-ops';
const ask = (content: string): unknown => ({ model: 'vlm', messages: [{ role: 'user', content }] });

describe('the fovea command and a running system', () => {
  let engine: FakeVllm;
  let system: System;
  let redis: Redis;
  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm', tasks: ['generate', 'transcription'] });
    system = await System.start({
      engineUrl: engine.url,
      env: { GATEWAY_ADMIN_KEYS: `ops:${adminKey}` },
    });
    redis = new Redis(system.redis.url);
    await system.startAdapter('vlm', workerToml('vlm'), { ADAPTER_TEXT_SLOTS: '1' });
    await system.untilModel('vlm', 'available');
  }, 120_000);
  afterAll(async () => {
    redis?.disconnect();
    await system?.stop();
    await engine?.close();
  });

  const command = (...words: string[]): Promise<CommandRun> => fovea(system, words);
  /** Asked of Redis itself: each run of the command takes as long as a program takes to start. */
  const untilOneWaits = async (): Promise<void> => {
    await until('one to wait', async () => (await redis.zcard('{q:vlm:text}:jobs:prioritized')) === 1);
  };
  const lane = async () => {
    const { out } = await command('queues', 'ls', '--json');
    const lanes: { lane: string; state: string; waiting: number; running: number }[] = JSON.parse(out);
    return lanes.find((each) => each.lane === 'text');
  };

  it('lists the model, and asks it a question from a pipe', async () => {
    const listed = await command('models', 'ls');
    expect(listed.out).toMatch(/^vlm +vlm +1 +available +chat,complete,image +\d+$/m);
    const answer = await fovea(system, ['chat', '--model', 'vlm'], { stdin: 'Say something about pipes.' });
    expect(answer).toMatchObject({ exitCode: 0, err: '' });
    expect(answer.out).toMatch(/\S\n$/);
  });

  it('creates a key that opens the gateway, and revokes it', async () => {
    const { out } = await command('keys', 'create', 'for a test');
    const key = out.trim();
    expect(key).toMatch(/^fov_/);
    const withKey = () => fovea(system, ['models', 'ls', '--json'], { env: { FOVEA_API_KEY: key } });
    expect((await withKey()).exitCode).toBe(0);
    const listed: { id: string; description: string }[] = JSON.parse(
      (await command('keys', 'ls', '--json')).out,
    );
    const id = listed.find(({ description }) => description === 'for a test')?.id ?? '';
    expect((await command('keys', 'revoke', id)).exitCode).toBe(0);
    const refused = await withKey();
    expect(refused.exitCode).toBe(3);
    expect(refused.err).toContain('UNAUTHORIZED');
  });

  it('pauses a lane: requests are accepted, wait, and are answered when it is resumed', async () => {
    expect((await command('queues', 'pause', 'vlm')).exitCode).toBe(0);
    const answer = system.chat(ask('asked while it is paused'));
    await untilOneWaits();
    expect(await lane()).toMatchObject({ state: 'paused', waiting: 1, running: 0 });
    expect((await command('queues', 'resume', 'vlm')).exitCode).toBe(0);
    expect((await answer).status).toBe(200);
  });

  it('drains with --cancel: what runs is answered, what waits and what comes is refused', async () => {
    const hold = engine.hold({ match: 'it runs', afterTokens: 1 });
    const running = system.chat(ask('it runs'));
    await hold.reached();
    const waiting = system.chat(ask('it waits'));
    await untilOneWaits();
    const draining = command('queues', 'drain', 'vlm', '--cancel', '--timeout', '60');
    const refused = await waiting;
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    const late = await system.chat(ask('it comes late'));
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '30']);
    hold.release();
    expect((await running).status).toBe(200);
    expect(await draining).toMatchObject({ exitCode: 0, err: expect.stringContaining('vlm is empty') });
    expect(engine.requests.map(({ lastUserText }) => lastUserText)).not.toContain('it waits');
    await command('queues', 'resume', 'vlm');
    expect((await system.chat(ask('as ever'))).status).toBe(200);
  });

  it('examines it: nothing to mend, and what of this Redis could be better', async () => {
    const { exitCode, out } = await fovea(system, ['doctor', '--json'], {
      env: {
        FOVEA_WORKERS: system.folder,
        ADAPTER_ENGINE_URL: engine.url,
        GATEWAY_OPS_PORT: new URL(system.opsUrl).port,
      },
    });
    const findings: { subject: string; level: string; message: string }[] = JSON.parse(out);
    const fails = findings.filter(({ level }) => level === 'fail');
    expect({ exitCode, fails }).toEqual({ exitCode: 0, fails: [] });
    const messages = findings.map(({ subject, message }) => `${subject}: ${message}`);
    expect(messages).toContain('gateway: It says that it is ready.');
    expect(messages).toContain('gateway: It takes the key and serves vlm.');
    expect(messages).toContain(`worker vlm.toml: ${new URL(engine.url).host} serves vlm.`);
    expect(messages).toContainEqual(expect.stringMatching(/^redis: It keeps no append-only file/));
  });

  it('forgets a checkpoint with an admin key, once its worker is gone', async () => {
    const remove = (key: string) => fovea(system, ['models', 'rm', 'vlm'], { env: { FOVEA_API_KEY: key } });
    expect(await remove(adminKey)).toMatchObject({
      exitCode: 3,
      err: expect.stringContaining('MODEL_PACKAGE_CONFLICT'),
    });
    await system.adapter('vlm').end('SIGTERM');
    const mine = await command('models', 'rm', 'vlm');
    expect(mine).toMatchObject({ exitCode: 3, err: expect.stringContaining('This takes an admin key.') });
    expect(await remove(adminKey)).toMatchObject({ exitCode: 0, err: 'Forgot vlm.\n' });
    expect((await command('models', 'ls')).out).not.toContain('vlm');
  });

  it('checks the worker files that come along', async () => {
    const { exitCode, out } = await command('models', 'validate', join('models', 'workers'));
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: expect.not.stringMatching(/warn|fail/) });
  });
});
