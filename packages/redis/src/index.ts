export { connectRedis, type RedisRole, type RedisSettings, waitForRedis } from './connect.js';
export {
  apiKeyKey,
  encodeName,
  filesKey,
  laneKeyPrefix,
  modelsKey,
  quarantineKey,
  requestKey,
  tenantKey,
} from './keys.js';
export { defineScript, type Script } from './script.js';
