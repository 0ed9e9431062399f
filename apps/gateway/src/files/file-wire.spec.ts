import { fileListQuerySchema, fileListSchema } from '@fovea/schemas/http';
import { describe, expect, it } from '@jest/globals';
import type { StoredFile } from './file-catalogue.js';
import { toFileObject, toFilePage } from './file-wire.js';

const file = (id: string, purpose: StoredFile['purpose'] = 'vision'): StoredFile => ({
  id,
  blob: { name: 'a'.repeat(64), mediaType: 'image/webp', byteSize: 70, width: 4, height: 5 },
  fileName: 'a.webp',
  purpose,
  createdAtMs: 1_700_000_000_900,
  expiresAtMs: 1_700_086_400_900,
});
const files = [file('file-1'), file('file-2', 'user_data'), file('file-3')];
const idsOf = (query: Record<string, unknown>): string[] => {
  const page = toFilePage(files, fileListQuerySchema.parse(query));
  expect(fileListSchema.parse(page)).toEqual(page);
  return page.data.map(({ id }) => id);
};

describe('a stored file on the wire', () => {
  it("has OpenAI's shape, in whole seconds, and what the picture is", () => {
    expect(toFileObject(file('file-1'))).toEqual({
      id: 'file-1',
      object: 'file',
      bytes: 70,
      created_at: 1_700_000_000,
      expires_at: 1_700_086_400,
      filename: 'a.webp',
      purpose: 'vision',
      status: 'processed',
      media_type: 'image/webp',
      width: 4,
      height: 5,
    });
  });
});

describe('the list of files', () => {
  it('begins with the newest unless asked otherwise, and keeps to a purpose', () => {
    expect(idsOf({})).toEqual(['file-3', 'file-2', 'file-1']);
    expect(idsOf({ order: 'asc' })).toEqual(['file-1', 'file-2', 'file-3']);
    expect(idsOf({ purpose: 'vision' })).toEqual(['file-3', 'file-1']);
    expect(idsOf({ purpose: 'batch' })).toEqual([]);
  });

  it('goes on behind a file, also one that is gone', () => {
    expect(idsOf({ after: 'file-3', limit: '1' })).toEqual(['file-2']);
    expect(idsOf({ after: 'file-25', order: 'asc' })).toEqual(['file-3']);
    expect(idsOf({ after: 'file-1' })).toEqual([]);
  });

  it('tells whether there is more', () => {
    expect(toFilePage(files, fileListQuerySchema.parse({ limit: 2 }))).toMatchObject({
      first_id: 'file-3',
      last_id: 'file-2',
      has_more: true,
    });
    expect(toFilePage(files, fileListQuerySchema.parse({ limit: 3 })).has_more).toBe(false);
    expect(toFilePage([], fileListQuerySchema.parse({}))).toMatchObject({ first_id: null, has_more: false });
  });
});
