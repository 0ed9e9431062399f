import type { DeploymentPorts } from './deployment/ports.js';

const CLIENT_NAME = 'fovea-cli';

/** The composition root. What only some commands need is loaded when they need it: `fovea chat` starts fast. */
export const deploymentPorts: DeploymentPorts = {
  async openLanes(url, onError) {
    const { createBullMqLaneControl } = await import('@fovea/job-queue/bullmq');
    return createBullMqLaneControl({ url, clientName: CLIENT_NAME, onError });
  },
  async openRegistry(url, graceS) {
    const { createRedisModelRegistry } = await import('@fovea/model-registry/redis');
    return createRedisModelRegistry({ redis: { url, clientName: CLIENT_NAME }, role: 'producer', graceS });
  },
  async openRedis(url, onError) {
    const { connectRedis } = await import('@fovea/redis');
    return connectRedis({ url, clientName: CLIENT_NAME, onError }, 'producer');
  },
  async checkBlobStore(url, env) {
    const { createBlobStore } = await import('@fovea/blob-store/from-url');
    const store = await createBlobStore(url, {
      lingerS: 0,
      maxReferenceAgeS: 0,
      accessKeyId: env.AWS_ACCESS_KEY_ID,
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
      sessionToken: env.AWS_SESSION_TOKEN,
    });
    await store.check();
  },
  async inspectBlobFolder(root, limits) {
    const { inspectFolder } = await import('@fovea/blob-store/file');
    return inspectFolder(root, limits);
  },
};
