import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectRedis, type RedisRole, waitForRedis } from './connect.js';

describeIf(redisBinary, 'connectRedis', () => {
  let server: RedisServer;
  const clients: Redis[] = [];
  const errors: Error[] = [];
  beforeEach(async () => {
    server = await startRedisServer({ appendOnly: true });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    errors.length = 0;
    await server.stop();
  });
  const connect = (role: RedisRole): Redis => {
    const settings = { url: server.url, clientName: 'spec', onError: (e: Error) => errors.push(e) };
    const client = connectRedis(settings, role);
    clients.push(client);
    return client;
  };

  it('names its connections by client and role', async () => {
    const client = connect('producer');
    connect('blocking');
    await waitForRedis(client, 5_000);
    expect(await client.client('GETNAME')).toBe('spec:producer');
  });

  it('fails fast as a producer and reports the errors', async () => {
    const client = connect('producer');
    await waitForRedis(client, 5_000);
    await server.kill();
    await expect(client.get('x')).rejects.toThrow();
    expect(errors.length).toBeGreaterThan(0);
    await server.restart();
  });

  it('waits as a worker until Redis is back', async () => {
    const client = connect('worker');
    await client.set('x', 'kept');
    await server.kill();
    const reading = client.get('x');
    await server.restart();
    expect(await reading).toBe('kept');
  });

  it('subscribes again by itself after a restart', async () => {
    const subscriber = connect('subscriber');
    const publisher = connect('worker');
    await subscriber.subscribe('news');
    await server.kill();
    await server.restart();
    const heard = new Promise<string>((resolve) =>
      subscriber.once('message', (_name, text) => resolve(text)),
    );
    while ((await publisher.publish('news', 'hello')) === 0) await new Promise((r) => setTimeout(r, 10));
    expect(await heard).toBe('hello');
  });
});

describe('waitForRedis', () => {
  it('gives up when nothing answers in time', async () => {
    const client = connectRedis({ url: 'redis://127.0.0.1:1', clientName: 'spec' }, 'worker');
    await expect(waitForRedis(client, 50)).rejects.toThrow('did not answer within 50 ms');
    client.disconnect();
  });
});
