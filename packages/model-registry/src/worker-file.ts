export { loadImageProcessor } from './worker-file/load-image-processor.js';
export { parseWorkerFile, type WorkerFile } from './worker-file/parse-worker-file.js';
export { type EngineFacts, toModelPackage } from './worker-file/to-model-package.js';
export { WorkerFileError, type WorkerFileProblem } from './worker-file/worker-file-error.js';
