export { connectRedis, type RedisRole, type RedisSettings, waitForRedis } from './connect.js';
export { encodeName, filesKey, laneKeyPrefix, modelsKey, quarantineKey, requestKey } from './keys.js';
export { defineScript, type Script } from './script.js';
