export { createFileBlobStore, type FileBlobStoreOptions } from './file/file-blob-store.js';
export { parseBlobStoreUrl } from './file/parse-blob-store-url.js';
