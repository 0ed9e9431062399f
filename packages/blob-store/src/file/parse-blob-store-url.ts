import { fileURLToPath } from 'node:url';

/** The folder that `BLOB_STORE_URL` names as `file:///path`. Throws with what was expected. */
export function parseBlobStoreUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain = parsed?.hostname === '' && parsed.search === '' && parsed.hash === '';
  // URL() would also take `file:path` and `file://path`, whose meaning depends on the current folder.
  if (parsed?.protocol !== 'file:' || !isPlain || !url.toLowerCase().startsWith('file:///')) {
    throw new Error('expected a folder as file:///absolute/path');
  }
  return fileURLToPath(parsed).replace(/(?<=.)\/+$/, '');
}
