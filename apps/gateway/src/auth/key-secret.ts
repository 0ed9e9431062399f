import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'fov_';
const RANDOM_BYTES = 32;
/** 43 characters of 32 random bytes and 6 of their checksum. */
const FORM = /^fov_[\w-]{49}$/;

const checksumOf = (random: string): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(random));
  return bytes.toString('base64url');
};

/** The secret of a new key: `fov_`, 256 random bits and a checksum, both base64url. */
export function createSecret(): string {
  const random = randomBytes(RANDOM_BYTES).toString('base64url');
  return `${PREFIX}${random}${checksumOf(random)}`;
}

/** Whether it can be a secret of ours. What cannot is refused without asking anybody; scanners find leaks by the same form. */
export function isSecret(key: string): boolean {
  if (!FORM.test(key)) return false;
  return key.slice(-6) === checksumOf(key.slice(PREFIX.length, -6));
}

/**
 * What is stored of a secret: its SHA-256, hex. A slow password hash would add nothing: it makes guessing from a small space
 * dear, and 256 random bits cannot be guessed at any speed. It would also cost each request a tenth of a second. And
 * because only the digest is looked up, the time of an answer tells nothing about the secret.
 */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
