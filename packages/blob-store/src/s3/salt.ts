import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Bucket } from './bucket.js';
import { keys } from './layout.js';
import { unlessCode } from './request-error.js';

const SALT_BYTES = 32;
/** 412; 409 when another process is just writing it; 501 from servers without conditional writes. */
const NOT_WRITTEN = ['PreconditionFailed', 'ConditionalRequestConflict', 'NotImplemented'];

async function readSalt(bucket: Bucket): Promise<Buffer | undefined> {
  const opened = await bucket.open(keys.salt);
  if (opened === undefined) return undefined;
  const salt = await buffer(opened.body);
  if (salt.length === SALT_BYTES) return salt;
  throw new Error(`the blob store's salt is damaged: it has ${salt.length} bytes, not ${SALT_BYTES}`);
}

/**
 * The store's salt, made by whoever comes first. Where two processes get different ones all the same, because the server
 * knows no conditional writes, equal bytes are stored twice until both have started anew; nothing is lost.
 */
export async function loadSalt(bucket: Bucket): Promise<Buffer> {
  const present = await readSalt(bucket);
  if (present !== undefined) return present;
  const draft = randomBytes(SALT_BYTES);
  const written = await unlessCode(
    NOT_WRITTEN,
    bucket.put(keys.salt, draft, { isNew: true }).then(() => true),
  );
  const salt = await readSalt(bucket);
  if (salt !== undefined) return salt;
  if (written === true) throw new Error("the blob store's salt was removed while it was being made");
  await bucket.put(keys.salt, draft);
  return (await readSalt(bucket)) ?? draft;
}
