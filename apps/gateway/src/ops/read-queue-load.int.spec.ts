import type { JobQueue, LaneControl } from '@fovea/job-queue';
import { createBullMqJobQueue, createBullMqLaneControl } from '@fovea/job-queue/bullmq';
import { exampleJob } from '@fovea/job-queue/conformance';
import type { ModelListing } from '@fovea/model-registry';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readQueueLoad } from './read-queue-load.js';

describeIf(redisBinary, 'the load of the lanes', () => {
  let server: RedisServer;
  let queue: JobQueue;
  const controls: LaneControl[] = [];
  beforeAll(async () => {
    server = await startRedisServer();
    const redis = { url: server.url, clientName: 'test' };
    queue = createBullMqJobQueue({ redis, role: 'worker' });
    controls.push(createBullMqLaneControl(redis), createBullMqLaneControl(redis));
  });
  afterAll(async () => {
    await Promise.all([queue.close(), ...controls.map((control) => control.close())]);
    await server.stop();
  });

  const listing = (name: string, checkpoint: string): ModelListing =>
    ({ model: { name }, package: { checkpoint }, status: 'available' }) as ModelListing;
  const registry = { list: async () => [listing('a', 'one'), listing('b', 'one'), listing('c', 'two')] };

  it('is the same from each gateway, with zeros for what does not wait', async () => {
    const lane = { checkpoint: 'one', kind: 'media' } as const;
    for (const expectedTokens of [40, 2])
      await queue.enqueue(lane, { ...exampleJob(lane), model: 'a', expectedTokens });
    const loads = await Promise.all(controls.map((control) => readQueueLoad(registry, control)));
    for (const { lanes, models } of loads) {
      expect(lanes.map((each) => `${each.checkpoint}/${each.lane}`)).toEqual([
        'one/text',
        'one/media',
        'one/embed',
        'two/text',
        'two/media',
        'two/embed',
      ]);
      expect(lanes[0]).toMatchObject({ running: 0, oldestWaitS: 0, state: 'open' });
      expect(lanes[1]?.waiting).toEqual([
        { model: 'a', jobs: 2, tokens: 42 },
        { model: 'b', jobs: 0, tokens: 0 },
      ]);
      expect(lanes[3]?.waiting).toEqual([{ model: 'c', jobs: 0, tokens: 0 }]);
      expect(models).toContainEqual({ checkpoint: 'one', model: 'b', isAvailable: true });
    }
  });
});
