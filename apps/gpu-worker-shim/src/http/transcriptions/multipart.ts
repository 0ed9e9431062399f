/** A part of a form. */
export interface FormPart {
  readonly name: string;
  /** It has a file name, even an empty one. */
  readonly isFile: boolean;
  /** A view of the body. */
  readonly value: Buffer;
}

const MAX_PARTS = 64;
const MAX_HEADER_BYTES = 8192;

function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  return quoted ?? plain;
}

/** A parameter of a header's value, as browsers write it (WHATWG, "multipart/form-data encoding"). */
function parameter(header: string, name: string): string | undefined {
  const [, quoted, plain] = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]*))`, 'i').exec(header) ?? [];
  return (quoted ?? plain)?.replaceAll('%22', '"');
}

function readPart(part: Buffer): FormPart | undefined {
  const end = part.subarray(0, MAX_HEADER_BYTES).indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const headers = part.toString('utf8', 0, end).split('\r\n');
  const disposition = headers.find((header) => /^content-disposition:\s*form-data\s*;/i.test(header));
  const name = disposition && parameter(disposition, 'name');
  if (disposition === undefined || name === undefined) return undefined;
  const isFile = parameter(disposition, 'filename') !== undefined || /;\s*filename\*=/i.test(disposition);
  return { name, isFile, value: part.subarray(end + 4) };
}

/**
 * Parts of a `multipart/form-data` body (RFC 7578, RFC 2046 section 5.1). Nothing is copied: Node's own parser would keep the
 * event loop for seconds on the largest body that is allowed.
 *
 * @param contentType with the boundary
 * @returns undefined when the body is none
 */
export function splitForm(body: Buffer, contentType: string): FormPart[] | undefined {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) return undefined;
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: FormPart[] = [];
  const opening = `--${boundary}`;
  // What stands before the first delimiter is for readers that know no forms.
  const isFirst = body.subarray(0, opening.length).equals(Buffer.from(opening));
  let at = isFirst ? opening.length : body.indexOf(delimiter) + delimiter.length;
  if (at < delimiter.length - 2) return undefined;
  while (parts.length <= MAX_PARTS) {
    const mark = body.toString('latin1', at, at + 2);
    if (mark === '--') return parts;
    const end = mark === '\r\n' ? body.indexOf(delimiter, at) : -1;
    const part = end === -1 ? undefined : readPart(body.subarray(at + 2, Math.max(at + 2, end)));
    if (part === undefined) return undefined;
    parts.push(part);
    at = end + delimiter.length;
  }
  return undefined;
}
