export { createRedisQuarantine, type RedisQuarantineOptions } from './redis/redis-quarantine.js';
