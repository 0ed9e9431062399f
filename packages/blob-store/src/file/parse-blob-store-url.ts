import { fileURLToPath } from 'node:url';

/** Where `BLOB_STORE_URL` points. */
export interface BlobStoreLocation {
  readonly kind: 'file';
  /** Absolute path. */
  readonly root: string;
}

/** Parses `file:///path`. Throws with what was expected. */
export function parseBlobStoreUrl(url: string): BlobStoreLocation {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain = parsed?.hostname === '' && parsed.search === '' && parsed.hash === '';
  // URL() would also take `file:path` and `file://path`, whose meaning depends on the current folder.
  if (parsed?.protocol !== 'file:' || !isPlain || !url.toLowerCase().startsWith('file:///')) {
    throw new Error('expected a folder as file:///absolute/path');
  }
  const root = fileURLToPath(parsed).replace(/(?<=.)\/+$/, '');
  return { kind: 'file', root };
}
