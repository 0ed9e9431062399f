export { connectRedis, type RedisRole, type RedisSettings, waitForRedis } from './connect.js';
export { encodeName, filesKey, laneKeyPrefix, modelsKey, requestKey } from './keys.js';
export { defineScript, type Script } from './script.js';
