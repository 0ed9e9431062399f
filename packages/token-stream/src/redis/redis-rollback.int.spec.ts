import { randomUUID } from 'node:crypto';
import { connectRedis, requestKey } from '@fovea/redis';
import type { GenerationEvent } from '@fovea/schemas/events';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { StreamEntry, TokenStream } from '../index.js';
import { createRedisTokenStream } from './redis-token-stream.js';

const text = (value: string): GenerationEvent => ({ type: 'text-delta', index: 0, text: value });
const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 1, completionTokens: 2 } };

describeIf(redisBinary, 'RedisTokenStream when Redis comes back with less than it had', () => {
  let server: RedisServer;
  let redis: Redis;
  let writer: TokenStream;
  let reader: TokenStream;
  let id: string;
  const connect = (): TokenStream =>
    createRedisTokenStream({ redis: { url: server.url, clientName: 'spec' }, role: 'worker', logTtlS: 60 });

  beforeEach(async () => {
    server = await startRedisServer({ appendOnly: true });
    redis = connectRedis({ url: server.url, clientName: 'spec' }, 'worker');
    writer = connect();
    reader = connect();
    id = randomUUID();
    await writer.open(id, 'a');
  });
  afterEach(async () => {
    await Promise.all([writer.close(), reader.close()]);
    redis.disconnect();
    await server.stop();
  });

  const keys = (): string[] => [requestKey(id, 'log'), requestKey(id, 'state')];

  /** Follows into `seen`, so that a test can wait until the reader has got somewhere. */
  const follow = (): {
    readonly seen: StreamEntry[];
    reached(count: number): Promise<void>;
    done: Promise<void>;
  } => {
    const seen: StreamEntry[] = [];
    let onEntry = (): void => undefined;
    const done = (async () => {
      for await (const entry of reader.follow(id)) {
        seen.push(entry);
        onEntry();
      }
    })();
    done.catch(() => undefined);
    const reached = (count: number): Promise<void> =>
      new Promise((resolve) => {
        onEntry = () => seen.length >= count && resolve();
        onEntry();
      });
    return { seen, reached, done };
  };

  it('goes on with the same stream after a crash and restart', async () => {
    const following = follow();
    for (let index = 1; index <= 20; index++) await writer.append(id, 'a', [text(`${index}`)]);
    await following.reached(20);
    await server.kill();
    const appending = writer.append(id, 'a', [text('21')]);
    await server.restart();
    await appending;
    await writer.append(id, 'a', [end]);
    await following.done;
    expect(following.seen.map((entry) => entry.id)).toEqual(
      Array.from({ length: 22 }, (_, index) => index + 1),
    );
    expect(await reader.read(id, 0, 100)).toEqual(following.seen);
  });

  it('writes again what was lost, under the same ids, and readers notice nothing', async () => {
    const following = follow();
    for (let index = 1; index <= 10; index++) await writer.append(id, 'a', [text(`${index}`)]);
    await following.reached(10);
    await redis.ltrim(requestKey(id, 'log'), 0, 6);
    await writer.append(id, 'a', [end]);
    await following.done;
    expect(following.seen).toHaveLength(11);
    expect(await reader.read(id, 0, 100)).toEqual(following.seen);
  });

  it('takes up its log again when even the opening was lost', async () => {
    const following = follow();
    for (let index = 1; index <= 3; index++) await writer.append(id, 'a', [text(`${index}`)]);
    await following.reached(3);
    await redis.del(...keys());
    await server.kill();
    const appending = writer.append(id, 'a', [end]);
    await server.restart();
    expect(await appending).toEqual({ outcome: 'appended', lastId: 4 });
    await following.done;
    expect(await reader.read(id, 0, 100)).toEqual(following.seen);
    expect(await reader.state(id)).toEqual({ lastId: 4, hasOutput: true, terminal: end });
  });

  it('ends the log with STREAM_INTERRUPTED when too much was lost to be written again', async () => {
    const following = follow();
    for (let index = 1; index <= 8; index++) await writer.append(id, 'a', [text('x'.repeat(60_000))]);
    await following.reached(8);
    await redis.ltrim(requestKey(id, 'log'), 0, 0);
    expect(await writer.append(id, 'a', [text('more')])).toEqual({ outcome: 'ended' });
    expect(await reader.state(id)).toMatchObject({
      lastId: 2,
      terminal: { type: 'error', code: 'STREAM_INTERRUPTED' },
    });
    await expect(following.done).rejects.toMatchObject({ code: 'STREAM_INTERRUPTED' });
    expect(following.seen.map((entry) => entry.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('never shows a reader the text of another attempt under an id it already has', async () => {
    const following = follow();
    for (let index = 1; index <= 5; index++) await writer.append(id, 'a', [text(`${index}`)]);
    await following.reached(5);
    await redis.ltrim(requestKey(id, 'log'), 0, 2);
    const other = connect();
    await other.open(id, 'b');
    for (let index = 4; index <= 7; index++) await other.append(id, 'b', [text(`other ${index}`)]);
    await expect(following.done).rejects.toMatchObject({ code: 'STREAM_INTERRUPTED' });
    expect(following.seen.flatMap((entry) => entry.events)).toEqual([1, 2, 3, 4, 5].map((n) => text(`${n}`)));
    expect(await writer.append(id, 'a', [text('6')])).toEqual({ outcome: 'fenced' });
    await other.close();
  });

  it('gives up with STREAM_INTERRUPTED when nobody restores what a reader has seen', async () => {
    const following = follow();
    for (let index = 1; index <= 4; index++) await writer.append(id, 'a', [text(`${index}`)]);
    await following.reached(4);
    await redis.ltrim(requestKey(id, 'log'), 0, 1);
    await expect(following.done).rejects.toMatchObject({ code: 'STREAM_INTERRUPTED' });
  });
});
