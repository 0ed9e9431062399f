import { FoveaError } from '@fovea/errors';
import { type FilePurpose, fileUploadSchema } from '@fovea/schemas/http';
import type { BlobRef } from '@fovea/schemas/jobs';
import { parseRequest } from '../ingest/parse-request.js';
import { invalidForm } from '../multipart/form-limits.js';
import { type FormPart, readTextField } from '../multipart/read-form.js';

/** Stores the picture of the form; throws when it is none. */
export type PictureSink = (bytes: AsyncIterable<Uint8Array>, field: string) => Promise<BlobRef>;

/** A form of `POST /files` whose picture has been stored. */
export interface Upload {
  readonly blob: BlobRef;
  readonly fileName: string;
  readonly purpose: FilePurpose;
  readonly expiresAfterS: number | undefined;
  /** Names of fields that mean nothing here. */
  readonly ignored: readonly string[];
}

const FILE = 'file';
const LIFETIME = 'expires_after[seconds]';
const known = new Set(Object.keys(fileUploadSchema.shape));
const fieldsSchema = fileUploadSchema.omit({ file: true });

/**
 * Reads the form of `POST /files`; fields may come in any order. Throws `INVALID_REQUEST` with the name of the field that
 * is wrong, missing or there twice, and what the sink throws.
 */
export async function readUpload(parts: AsyncIterable<FormPart>, sink: PictureSink): Promise<Upload> {
  const fields = new Map<string, string>();
  const ignored: string[] = [];
  let file: Pick<Upload, 'blob' | 'fileName'> | undefined;
  for await (const part of parts) {
    if (part.name === FILE) {
      if (file !== undefined) throw invalidForm('The form holds more than one file.', FILE);
      file = await storeFile(part, sink);
    } else if (known.has(part.name)) {
      if (fields.has(part.name)) throw invalidForm('The field is there twice.', part.name);
      fields.set(part.name, await readTextField(part));
    } else if (part.fileName !== undefined) {
      throw invalidForm(`A file belongs into the field "${FILE}".`, part.name);
    } else ignored.push(part.name);
  }
  if (file === undefined) throw invalidForm('The form holds no file.', FILE);
  const parsed = parseRequest(fieldsSchema, withLifetime(fields));
  return { ...file, purpose: parsed.purpose, expiresAfterS: parsed[LIFETIME], ignored };
}

async function storeFile(part: FormPart, sink: PictureSink): Promise<Pick<Upload, 'blob' | 'fileName'>> {
  if (part.fileName === undefined) {
    throw invalidForm('The field is no file: its part has no file name.', FILE);
  }
  const blob = await sink(notEmpty(part), FILE);
  return { blob, fileName: part.fileName };
}

async function* notEmpty(part: FormPart): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  for await (const piece of part.bytes) {
    isEmpty = false;
    yield piece;
  }
  if (isEmpty) throw new FoveaError('INVALID_REQUEST', { message: 'The file is empty.', param: part.name });
}

/** A form knows only text. */
function withLifetime(fields: ReadonlyMap<string, string>): Record<string, unknown> {
  const text = fields.get(LIFETIME);
  const seconds = text === undefined ? {} : { [LIFETIME]: /^\d{1,15}$/.test(text) ? Number(text) : text };
  return { ...Object.fromEntries(fields), ...seconds };
}
