export { createRedisModelRegistry, type RedisModelRegistryOptions } from './redis/redis-model-registry.js';
