import { connectRedis } from '@fovea/redis';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type FollowSource, followLog } from './follow-log.js';
import { LiveChannels } from './live-channels.js';

describe('followLog while Redis is away', () => {
  let client: Redis;
  let subscriber: Redis;
  let source: FollowSource;
  beforeEach(() => {
    const settings = { url: 'redis://127.0.0.1:1', clientName: 'spec' };
    client = connectRedis(settings, 'producer');
    subscriber = connectRedis(settings, 'subscriber');
    const channels = new LiveChannels(subscriber);
    source = { client, channels, subscribeMs: 60, quietMs: 20, restoreGraceMs: 50, outageMs: 50 };
  });
  afterEach(() => {
    client.disconnect();
    subscriber.disconnect();
  });

  it('fails instead of waiting for ever', async () => {
    await expect(followLog(source, 'r', {}).next()).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('ends without an error when the signal aborts', async () => {
    const controller = new AbortController();
    const following = followLog({ ...source, subscribeMs: 60_000 }, 'r', {
      signal: controller.signal,
    }).next();
    controller.abort();
    expect((await following).done).toBe(true);
  });
});
