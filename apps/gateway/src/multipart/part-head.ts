import { type FormLimits, invalidForm } from './form-limits.js';
import { parseHeaderValue } from './header-value.js';

/** What stands above a part's bytes. */
export interface PartHead {
  /** The form field; never empty. */
  readonly name: string;
  /** As the client wrote it, for display only: it may look like a path. Undefined for a field that is no file. */
  readonly fileName: string | undefined;
  /** As declared, in lower case and without parameters. What a file really is, its bytes decide. */
  readonly mediaType: string;
}

const plainEncodings = new Set(['7bit', '8bit', 'binary']);

function headersOf(block: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of block.split('\r\n')) {
    const colon = line.indexOf(':');
    // No form client folds its headers, so a line without a name is broken.
    if (colon < 1) throw invalidForm('A part of the form has a broken header.');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}

/** RFC 5987, which some clients use for names that are not ASCII: `filename*=UTF-8''na%C3%AFve.png`. */
function extendedText(text: string | undefined): string | undefined {
  const encoded = /^utf-8'[^']*'(.*)$/i.exec(text ?? '')?.[1];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** Parses the header block of a part. Throws `INVALID_REQUEST`, with the part's name where it is known. */
export function parsePartHead(block: Buffer, limits: FormLimits): PartHead {
  const headers = headersOf(block.toString('utf8'));
  const disposition = parseHeaderValue(headers.get('content-disposition') ?? '');
  const name = disposition?.value === 'form-data' ? disposition.parameters.get('name') : undefined;
  if (disposition === undefined || name === undefined || name === '') {
    throw invalidForm('A part of the form has no "Content-Disposition: form-data" with a name.');
  }
  const { parameters } = disposition;
  const fileName = extendedText(parameters.get('filename*')) ?? parameters.get('filename');
  if (fileName !== undefined && fileName.length > limits.maxFileNameLength) {
    const limit = { name: 'max_file_name_length', value: limits.maxFileNameLength, actual: fileName.length };
    throw invalidForm(`The file name is longer than ${limit.value} characters.`, name, limit);
  }
  if (/\p{Cc}/u.test(`${name}${fileName ?? ''}`)) {
    throw invalidForm('A name in the form holds control characters.', name.replace(/\p{Cc}/gu, '?'));
  }
  const encoding = (headers.get('content-transfer-encoding') ?? 'binary').toLowerCase();
  if (!plainEncodings.has(encoding)) {
    throw invalidForm('Encoded parts are not supported; send the bytes as they are.', name);
  }
  const mediaType = parseHeaderValue(headers.get('content-type') ?? 'text/plain')?.value ?? 'text/plain';
  if (mediaType.startsWith('multipart/')) throw invalidForm('A form inside a form is not supported.', name);
  return { name, fileName, mediaType };
}
