export { createFileBlobStore, type FileBlobStoreOptions } from './file/file-blob-store.js';
export { inspectFolder } from './file/inspect-folder.js';
