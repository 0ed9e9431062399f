import { randomUUID } from 'node:crypto';
import { connectRedis, requestKey } from '@fovea/redis';
import type { GenerationEvent } from '@fovea/schemas/events';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { describeTokenStream } from '../conformance.js';
import type { StreamEntry, TokenStream } from '../index.js';
import { createRedisTokenStream } from './redis-token-stream.js';

const text = (value: string): GenerationEvent => ({ type: 'text-delta', index: 0, text: value });
const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 1, completionTokens: 2 } };

const connect = (server: RedisServer, maxLogBytes?: number): TokenStream =>
  createRedisTokenStream({
    redis: { url: server.url, clientName: 'spec' },
    role: 'worker',
    logTtlS: 60,
    ...(maxLogBytes === undefined ? {} : { maxLogBytes }),
  });

describeIf(redisBinary, 'Redis adapter', () => {
  describeTokenStream('Redis', async () => {
    const server = await startRedisServer();
    return { connect: async () => connect(server), stop: () => server.stop() };
  });
});

describeIf(redisBinary, 'RedisTokenStream', () => {
  let server: RedisServer;
  let redis: Redis;
  let stream: TokenStream;
  beforeAll(async () => {
    server = await startRedisServer();
    redis = connectRedis({ url: server.url, clientName: 'spec' }, 'worker');
    stream = connect(server);
  });
  afterAll(async () => {
    await stream.close();
    redis.disconnect();
    await server.stop();
  });

  it('keeps an open log for the open time to live and an ended one for LOG_TTL_S', async () => {
    const id = randomUUID();
    await stream.open(id, 'a');
    await stream.append(id, 'a', [text('x')]);
    expect(await redis.pttl(requestKey(id, 'log'))).toBeGreaterThan(3_590_000);
    await stream.append(id, 'a', [end]);
    for (const key of ['log', 'state']) {
      const ttlMs = await redis.pttl(requestKey(id, key));
      expect(ttlMs).toBeGreaterThan(50_000);
      expect(ttlMs).toBeLessThanOrEqual(60_000);
    }
    await stream.open(id, 'b');
    expect(await redis.pttl(requestKey(id, 'state'))).toBeLessThanOrEqual(60_000);
  });

  it('finds an entry whose publish was lost', async () => {
    const id = randomUUID();
    await stream.open(id, 'a');
    const following = (async () => {
      const ids: number[] = [];
      for await (const entry of stream.follow(id)) ids.push(entry.id);
      return ids;
    })();
    await stream.append(id, 'a', [text('x')]);
    // Written behind the back of pub/sub, as when the message is dropped on its way.
    const element = await redis.lindex(requestKey(id, 'log'), 0);
    await redis.rpush(requestKey(id, 'log'), element ?? '', JSON.stringify({ w: 'a', v: [end] }));
    expect(await following).toEqual([1, 2, 3]);
  });

  it('reads an entry too large to be published from the log', async () => {
    const id = randomUUID();
    const large = 'x'.repeat(200_000);
    await stream.open(id, 'a');
    const seen: string[] = [];
    const following = (async () => {
      for await (const entry of stream.follow(id)) seen.push(JSON.stringify(entry.events));
    })();
    await stream.append(id, 'a', [text('small')]);
    await stream.append(id, 'a', [text(large), end]);
    await following;
    expect(seen).toEqual([JSON.stringify([text('small')]), JSON.stringify([text(large), end])]);
  });

  it('ends an answer that outgrows the byte limit of its log with STORAGE_FULL', async () => {
    const small = connect(server, 2_000);
    const id = randomUUID();
    await small.open(id, 'a');
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== 'ended') {
      outcomes.push((await small.append(id, 'a', [text('y'.repeat(300))])).outcome);
    }
    expect(outcomes.length).toBeLessThan(8);
    expect((await small.state(id)).terminal).toMatchObject({ type: 'error', code: 'STORAGE_FULL' });
    await small.close();
  });

  it('says INTERNAL of an entry that is not one of ours', async () => {
    const id = randomUUID();
    await stream.open(id, 'a');
    await redis.rpush(requestKey(id, 'log'), '{"w":"a","v":[{"type":"nonsense"}]}');
    await expect(stream.read(id, 0, 1)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('holds at most a few entries for a reader that does not read', async () => {
    const id = randomUUID();
    await stream.open(id, 'a');
    const reading = stream.follow(id)[Symbol.asyncIterator]();
    await stream.append(id, 'a', [text('first')]);
    expect((await reading.next()).value).toMatchObject({ id: 1 });
    for (let index = 2; index <= 300; index++) await stream.append(id, 'a', [text('z'.repeat(1_000))]);
    await redis.config('RESETSTAT');
    const ids: number[] = [];
    for (let index = 2; index <= 300; index++) {
      const next: IteratorResult<StreamEntry> = await reading.next();
      if (next.done !== true) ids.push(next.value.id);
    }
    await reading.return?.();
    expect(ids).toEqual(Array.from({ length: 299 }, (_, index) => index + 2));
    // Sixteen were held, the rest came from the log page by page.
    const stats = await redis.info('commandstats');
    const pages = Number(/cmdstat_lrange:calls=(\d+)/.exec(stats)?.[1]);
    expect(pages).toBeGreaterThanOrEqual(Math.floor((299 - 16) / 16));
  });
});
