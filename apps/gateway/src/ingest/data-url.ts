import { FoveaError } from '@fovea/errors';

const PIECE_CHARS = 64 * 1024;
const alphabet = /^[A-Za-z0-9+/]*$/;

const invalid = (message: string, param: string): FoveaError =>
  new FoveaError('INVALID_IMAGE', { message, param });

/**
 * The base64 text of an image data URL. Only the scheme and the `;base64` marker are read; what the bytes are is
 * decided by the bytes. The URL never reaches a URL parser: those have length limits of their own.
 *
 * Throws `EXTERNAL_IMAGE_URL` for any other scheme and `INVALID_IMAGE` for what is no URL at all.
 */
export function base64Of(url: string, param: string): string {
  const comma = url.slice(0, 256).indexOf(',');
  const head = comma < 0 ? url.slice(0, 256) : url.slice(0, comma);
  const scheme = /^\s*([a-z][a-z0-9+.-]*):/i.exec(head)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'data') {
    throw new FoveaError('EXTERNAL_IMAGE_URL', {
      message: `Links of the kind "${scheme}:" are not fetched; send the image as a base64 data URL.`,
      param,
    });
  }
  if (scheme === undefined || comma < 0) {
    throw invalid('Expected a base64 data URL such as "data:image/png;base64,…".', param);
  }
  if (!/;\s*base64\s*$/i.test(head)) throw invalid('The data URL is not marked ";base64".', param);
  return url.slice(comma + 1);
}

/**
 * Decodes base64 in pieces of at most 48 KiB. The alphabet, the padding and the length are checked here because Node's
 * decoder accepts anything: blanks, `-`, `_`, `@`, text behind the padding. Throws `INVALID_IMAGE` with `param`.
 */
export function* decodeBase64(text: string, param: string): Generator<Buffer> {
  if (text.length === 0) throw invalid('The image is empty.', param);
  if (text.length % 4 !== 0)
    throw invalid('The base64 text is cut off: its length is no multiple of 4.', param);
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const end = text.length - padding;
  for (let start = 0; start < text.length; start += PIECE_CHARS) {
    const piece = text.slice(start, start + PIECE_CHARS);
    const body = start + PIECE_CHARS >= text.length ? piece.slice(0, end - start) : piece;
    if (!alphabet.test(body)) {
      throw invalid(`The base64 text has an illegal character after ${start} characters or later.`, param);
    }
    const bytes = Buffer.from(piece, 'base64');
    // Bits behind the last byte must be zero, or two texts would stand for one image.
    if (body !== piece && bytes.toString('base64') !== piece)
      throw invalid('The base64 padding is wrong.', param);
    yield bytes;
  }
}
