export { composeReader, readComposeFiles } from './compose-files.js';
export { type Fault, type FaultPlan, type FaultProxy, startFaultProxy } from './fault-proxy.js';
export { provideBenchmarkFolder } from './model-folders/benchmark-folder.js';
export { type DecoderSizes, sm135Decoder, tinyDecoder } from './model-folders/decoder/decoder-sizes.js';
export {
  type EmbeddingFolderOptions,
  type EmbeddingModelFolder,
  writeEmbeddingFolder,
} from './model-folders/embedding/write-embedding-folder.js';
export {
  type Idefics3FolderOptions,
  type Idefics3ModelFolder,
  writeIdefics3Folder,
} from './model-folders/idefics3/write-idefics3-folder.js';
export { type LlamaFolderOptions, writeLlamaFolder } from './model-folders/llama/write-llama-folder.js';
export { smolVlmVision, tinyVision, type VisionSizes } from './model-folders/vision/vision-graph.js';
export {
  type WhisperFolderOptions,
  type WhisperModelFolder,
  writeWhisperFolder,
} from './model-folders/whisper/write-whisper-folder.js';
export type { ModelFolder, ModelFolderOptions } from './model-folders/write-folder.js';
export {
  findRedisBinary,
  freePort,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from './redis-server.js';
export {
  describeIf,
  pocketSphinx,
  program,
  pythonClients,
  pythonPath,
  type Requirement,
  redisBinary,
  spokenFolder,
} from './requirement.js';
export {
  type S3Server,
  type S3ServerOptions,
  s3Binary,
  startS3Server,
} from './s3-server.js';
export { mountSmallDisk, type SmallDisk, smallDisk } from './small-disk.js';
export { parityRequests, transformersJs, transformersJsUrl } from './transformers-js.js';
