import { startRedisServer } from '@fovea/testing';
import { describeQuarantine } from '../conformance.js';
import { createRedisQuarantine } from './redis-quarantine.js';

describeQuarantine('the Redis quarantine', async () => {
  const server = await startRedisServer();
  const redis = { url: server.url, clientName: 'test' };
  return {
    connect: ({ lastsS }) => Promise.resolve(createRedisQuarantine({ redis, role: 'worker', lastsS })),
    stop: () => server.stop(),
  };
});
