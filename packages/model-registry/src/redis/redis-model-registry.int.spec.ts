import { connectRedis } from '@fovea/redis';
import type { ModelPackage } from '@fovea/schemas/model-package';
import { type RedisServer, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { describeModelRegistry } from '../conformance.js';
import type { ModelRegistry } from '../index.js';
import { createRedisModelRegistry } from './redis-model-registry.js';

const open = (server: RedisServer, graceS: number, refreshMs = 10, role: 'producer' | 'worker' = 'worker') =>
  createRedisModelRegistry({ redis: { url: server.url, clientName: 'test' }, role, graceS, refreshMs });

describeModelRegistry('the Redis registry', async () => {
  const server = await startRedisServer();
  const admin = connectRedis({ url: server.url, clientName: 'admin' }, 'worker');
  return {
    connect: async ({ graceS }) => open(server, graceS),
    wipe: async () => {
      await admin.flushall();
    },
    stop: async () => {
      admin.disconnect();
      await server.stop();
    },
  };
});

const ocr: ModelPackage = {
  checkpoint: 'ocr',
  version: 1,
  tags: [],
  generatorType: 'onnx',
  models: [
    {
      name: 'ocr',
      description: '',
      multimodalEnabled: true,
      chat: true,
      completion: false,
      transcription: false,
      embedding: false,
      embeddingPrefixes: null,
      rerank: false,
      maximumCompletionTokens: null,
      aligned: false,
      promptTemplate: '',
      modelCard: null,
    },
  ],
  extensions: [],
  capabilities: { tools: false, structuredOutput: [], reasoning: 'separate', tokenizer: false },
  waitForWorkerS: 0,
  maxModelLen: 4_096,
  imageProcessor: null,
};

describe('the Redis registry', () => {
  let server: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    server = await startRedisServer({ appendOnly: true });
    admin = connectRedis({ url: server.url, clientName: 'admin' }, 'worker');
  });
  beforeEach(async () => {
    await admin.flushall();
    await admin.config('RESETSTAT');
  });
  afterAll(async () => {
    admin.disconnect();
    await server.stop();
  });
  const scriptCalls = async (): Promise<number> => {
    const found = /cmdstat_evalsha:calls=(\d+)/.exec(await admin.info('commandstats'));
    return Number(found?.[1] ?? 0);
  };
  const using = async (registry: ModelRegistry, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } finally {
      await registry.close();
    }
  };

  it('asks Redis once for many lists at once, and not again while the answer is fresh', async () => {
    const registry = open(server, 10, 60_000);
    await using(registry, async () => {
      await registry.register({ package: ocr, workerId: 'w1' });
      const before = await scriptCalls();
      await Promise.all(Array.from({ length: 100 }, () => registry.list()));
      await Promise.all(Array.from({ length: 100 }, () => registry.resolve('ocr')));
      expect((await scriptCalls()) - before).toBe(1);
    });
  });

  it('asks at most twice for many unknown names at once', async () => {
    const registry = open(server, 10, 60_000);
    await using(registry, async () => {
      await registry.list();
      const before = await scriptCalls();
      await Promise.all(Array.from({ length: 100 }, (_, id) => registry.resolve(`unknown-${id}`)));
      expect((await scriptCalls()) - before).toBeLessThanOrEqual(2);
    });
  });

  it('keeps all its keys in one slot and forgets workers that died long ago', async () => {
    const registry = open(server, 10);
    await using(registry, async () => {
      await registry.register({ package: ocr, workerId: 'w1' });
      await admin.zadd('{models}:presence', `${Date.now() - 7_200_000}`, 'ocr:1:dead');
      await registry.renew({ package: ocr, workerId: 'w1' });
      expect(await admin.zrange('{models}:presence', '0', '-1')).toEqual(['ocr:1:w1']);
      const keys = await admin.keys('*');
      expect(keys.every((key) => key.startsWith('{models}:'))).toBe(true);
    });
  });

  it('lists the other models when a newer worker stored a package that this version cannot read', async () => {
    const registry = open(server, 10);
    await using(registry, async () => {
      await registry.register({ package: ocr, workerId: 'w1' });
      await admin.hset(
        '{models}:packages',
        'new:1',
        `${'0'.repeat(64)}{"checkpoint":"new","kind":"unheard of"}`,
      );
      await admin.hset('{models}:packages', 'odd:1', 'not json');
      expect((await registry.list()).map((listing) => listing.model.name)).toEqual(['ocr']);
    });
  });

  it('goes on after Redis was killed and came back', async () => {
    const registry = open(server, 3_600);
    await using(registry, async () => {
      await registry.register({ package: ocr, workerId: 'w1' });
      await server.kill();
      const renewing = registry.renew({ package: ocr, workerId: 'w1' });
      await server.restart();
      if (!(await renewing)) await registry.register({ package: ocr, workerId: 'w1' });
      expect((await registry.resolve('ocr'))?.status).toBe('available');
    });
  });

  it('withdraws for at most the grace while Redis is away, and fails fast for producers', async () => {
    const registry = open(server, 0.2);
    const producer = open(server, 10, 10, 'producer');
    await registry.register({ package: ocr, workerId: 'w1' });
    await producer.list();
    await server.kill();
    try {
      await expect(registry.withdraw({ package: ocr, workerId: 'w1' })).resolves.toBeUndefined();
      await expect(producer.resolve('unknown')).rejects.toThrow();
    } finally {
      await Promise.all([registry.close(), producer.close()]);
      await server.restart();
    }
  });
});
