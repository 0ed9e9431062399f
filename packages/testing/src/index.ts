export {
  findRedisBinary,
  freePort,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from './redis-server.js';
export {
  describeIf,
  program,
  pythonClients,
  pythonPath,
  type Requirement,
  redisBinary,
} from './requirement.js';
