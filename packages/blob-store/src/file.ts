export { createFileBlobStore, type FileBlobStoreOptions } from './file/file-blob-store.js';
export { type BlobStoreLocation, parseBlobStoreUrl } from './file/parse-blob-store-url.js';
