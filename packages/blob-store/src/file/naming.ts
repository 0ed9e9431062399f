import { randomBytes, randomUUID } from 'node:crypto';
import { link, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder, FILE_MODE, type Layout, removeFile, unless } from './layout.js';

const SALT_BYTES = 32;

async function readSalt(layout: Layout): Promise<Buffer | undefined> {
  const salt = await unless(['ENOENT'], readFile(layout.salt));
  if (salt === undefined || salt.length === SALT_BYTES) return salt;
  throw new Error(`${layout.salt} is damaged: it has ${salt.length} bytes, not ${SALT_BYTES}`);
}

/**
 * The store's salt, made by whoever comes first. It is written whole under another name and then linked: creation is
 * exclusive as with O_EXCL, and nobody can read half of it.
 */
export async function loadSalt(layout: Layout): Promise<Buffer> {
  const present = await readSalt(layout);
  if (present !== undefined) return present;
  await ensureFolder(layout.temp, layout.root);
  const draft = join(layout.temp, randomUUID());
  try {
    await writeFile(draft, randomBytes(SALT_BYTES), { mode: FILE_MODE, flag: 'wx' });
    await unless(['EEXIST'], link(draft, layout.salt));
  } finally {
    await removeFile(draft);
  }
  const salt = await readSalt(layout);
  if (salt === undefined) throw new Error(`${layout.salt} was removed while it was being made`);
  return salt;
}
