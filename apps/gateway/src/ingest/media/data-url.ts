import { FoveaError } from '@fovea/errors';

/** How far into the text the comma of a data URL is looked for. */
export const MAX_HEAD_CHARS = 256;

/**
 * Checks the beginning of an image URL, up to its comma. Only the scheme and the `;base64` marker are read; what the
 * bytes are is decided by the bytes. The URL never reaches a URL parser: those have length limits of their own.
 *
 * Throws `EXTERNAL_IMAGE_URL` for any other scheme and `INVALID_IMAGE` for what is no base64 data URL.
 */
export function assertBase64DataUrl(url: string, param: string): void {
  const comma = url.slice(0, MAX_HEAD_CHARS).indexOf(',');
  const head = url.slice(0, comma < 0 ? MAX_HEAD_CHARS : comma);
  const scheme = /^\s*([a-z][a-z0-9+.-]*):/i.exec(head)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'data') {
    throw new FoveaError('EXTERNAL_IMAGE_URL', {
      message: `Links of the kind "${scheme}:" are not fetched; send the image as a base64 data URL.`,
      param,
    });
  }
  if (scheme === undefined || comma < 0) {
    const message = 'Expected a base64 data URL such as "data:image/png;base64,…".';
    const isLong = comma < 0 && url.length >= MAX_HEAD_CHARS;
    const limit = isLong ? { name: 'max_data_url_head_chars', value: MAX_HEAD_CHARS } : undefined;
    throw new FoveaError('INVALID_IMAGE', { message, param, limit });
  }
  if (!/;\s*base64\s*$/i.test(head)) {
    throw new FoveaError('INVALID_IMAGE', { message: 'The data URL is not marked ";base64".', param });
  }
}
