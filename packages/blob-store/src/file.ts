export { createFileBlobStore, type FileBlobStoreOptions } from './file/file-blob-store.js';
