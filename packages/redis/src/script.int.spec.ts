import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect.js';
import { defineScript } from './script.js';

describeIf(redisBinary, 'defineScript', () => {
  let server: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedisServer();
    client = connectRedis({ url: server.url, clientName: 'spec' }, 'worker');
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  it('runs with keys and arguments, the text travelling once', async () => {
    const script = defineScript(`return redis.call('INCRBY', KEYS[1], ARGV[1])`);
    expect(await script.run(client, ['counter'], [2])).toBe(2);
    await client.config('RESETSTAT');
    expect(await script.run(client, ['counter'], ['3'])).toBe(5);
    const stats = await client.info('commandstats');
    expect(stats).toMatch(/cmdstat_evalsha:calls=1/);
    expect(stats).not.toMatch(/cmdstat_eval:/);
  });

  it('runs again after the server has forgotten it', async () => {
    const script = defineScript(`return ARGV[1]`);
    await script.run(client, [], ['a']);
    await client.script('FLUSH');
    expect(await script.run(client, [], ['b'])).toBe('b');
  });

  it('passes on what the script throws', async () => {
    const script = defineScript(`return redis.error_reply('WRONG on purpose')`);
    await expect(script.run(client, [], [])).rejects.toThrow('WRONG on purpose');
  });
});
