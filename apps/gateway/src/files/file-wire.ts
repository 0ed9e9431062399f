import type { FileListQuery, FileListWire, FileObjectWire } from '@fovea/schemas/http';
import type { StoredFile } from './file-catalogue.js';

const seconds = (momentMs: number): number => Math.floor(momentMs / 1000);

/** OpenAI's file object; every stored file is a picture whose header was read. */
export const toFileObject = ({ blob, ...file }: StoredFile): FileObjectWire => ({
  id: file.id,
  object: 'file',
  bytes: blob.byteSize,
  created_at: seconds(file.createdAtMs),
  expires_at: seconds(file.expiresAtMs),
  filename: file.fileName,
  purpose: file.purpose,
  status: 'processed',
  media_type: blob.mediaType,
  width: blob.width ?? 0,
  height: blob.height ?? 0,
});

/** One page of `files`, which come oldest first. */
export function toFilePage(files: readonly StoredFile[], query: FileListQuery): FileListWire {
  const ordered = query.order === 'asc' ? [...files] : [...files].reverse();
  const wanted = ordered.filter(({ purpose }) => query.purpose === undefined || purpose === query.purpose);
  const { after } = query;
  // Ids are in the order of time, so a cursor works also when its file is gone.
  const isBehind = (id: string): boolean =>
    after === undefined || (query.order === 'asc' ? id > after : id < after);
  const rest = wanted.filter(({ id }) => isBehind(id));
  const page = rest.slice(0, query.limit);
  return {
    object: 'list',
    data: page.map(toFileObject),
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: rest.length > page.length,
  };
}
