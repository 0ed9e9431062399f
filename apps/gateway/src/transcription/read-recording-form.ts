import type { BlobRef } from '@fovea/schemas/jobs';
import { invalidForm } from '../multipart/form-limits.js';
import { type FormPart, readTextField } from '../multipart/read-form.js';

/** A form whose recording has been stored. */
export interface RecordingForm {
  readonly audio: BlobRef;
  /** Bytes of the recording. */
  readonly byteSize: number;
  /** By name; the values of names that end in `[]` in the order of the form. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads a form with one recording in the part `file` and text fields in any order. A field may come as a file without a
 * name, as curl's `;type=` makes it. Throws `INVALID_REQUEST` with the name of the field that is missing or there twice.
 */
export async function readRecordingForm(
  parts: AsyncIterable<FormPart>,
  file: string,
  store: (bytes: AsyncIterable<Uint8Array>, part: string) => Promise<BlobRef>,
): Promise<RecordingForm> {
  const fields = new Map<string, readonly string[]>();
  let audio: BlobRef | undefined;
  for await (const part of parts) {
    if (part.name === file) {
      if (audio !== undefined) throw invalidForm('The form holds more than one recording.', file);
      audio = await store(part.bytes, file);
      continue;
    }
    const before = fields.get(part.name) ?? [];
    if (before.length > 0 && !part.name.endsWith('[]')) {
      throw invalidForm('The field is there twice.', part.name);
    }
    // Some clients give the JSON of `metadata` a file name.
    const text = await readTextField(
      part.name === 'metadata' ? { ...part, fileName: undefined, bytes: part.bytes } : part,
    );
    fields.set(part.name, [...before, text]);
  }
  if (audio === undefined) throw invalidForm('The form holds no recording.', file);
  return { audio, byteSize: audio.byteSize, fields };
}
