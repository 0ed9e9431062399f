export type { S3Credentials } from './s3/client.js';
export { createS3BlobStore, type S3BlobStoreOptions } from './s3/s3-blob-store.js';
