import { FoveaError } from '@fovea/errors';

const broken = (message: string, param: string) => new FoveaError('INVALID_IMAGE', { message, param });

/** Number of bytes that base64 of this text must give; undefined when its length or padding is wrong. */
function decodedLength(base64: string): number | undefined {
  const first = base64.indexOf('=');
  const padding = first === -1 ? 0 : base64.length - first;
  if (base64.length % 4 !== 0 || padding > 2) return undefined;
  if (padding === 2 && !base64.endsWith('==')) return undefined;
  return (base64.length / 4) * 3 - padding;
}

/**
 * Bytes of a `data:…;base64,` URL, as strictly as vLLM reads one: nothing but `base64` after the media type, the
 * standard alphabet, no blanks, right padding. The media type is not looked at. Nothing is ever fetched.
 *
 * @param param the field that holds the URL, for the error.
 * @throws FoveaError `INVALID_IMAGE`, or `EXTERNAL_IMAGE_URL` for a link.
 */
export function decodeDataUrl(url: string, param: string): Uint8Array {
  if (url.slice(0, 5).toLowerCase() !== 'data:') {
    throw new FoveaError('EXTERNAL_IMAGE_URL', {
      message: 'Only base64 data URLs are read; nothing is fetched from elsewhere.',
      param,
    });
  }
  const comma = url.indexOf(',');
  const header = comma === -1 ? '' : url.slice(5, comma);
  const semicolon = header.indexOf(';');
  if (semicolon === -1 || header.slice(semicolon + 1) !== 'base64') {
    throw broken('Only base64 data URLs are supported: data:image/png;base64,…', param);
  }
  const base64 = url.slice(comma + 1);
  const length = decodedLength(base64);
  // Node's decoder takes the URL-safe alphabet, too, and skips what is in neither; both are told by these checks.
  const bytes = Buffer.from(base64, 'base64');
  if (length === undefined || bytes.length !== length || base64.includes('-') || base64.includes('_')) {
    throw broken('The base64 of the image is broken: check alphabet, length and padding.', param);
  }
  if (length === 0) throw broken('The image is empty.', param);
  return bytes;
}
