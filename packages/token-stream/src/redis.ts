export { createRedisTokenStream, type RedisTokenStreamOptions } from './redis/redis-token-stream.js';
