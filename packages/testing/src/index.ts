export { type Fault, type FaultPlan, type FaultProxy, startFaultProxy } from './fault-proxy.js';
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
export {
  type S3Server,
  type S3ServerOptions,
  s3Binary,
  startS3Server,
} from './s3-server.js';
export { mountSmallDisk, type SmallDisk, smallDisk } from './small-disk.js';
