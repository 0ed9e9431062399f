import { createHash, createHmac } from 'node:crypto';

/** HMAC(tenant, digest): equal bytes of one tenant have one name, and nobody can guess another tenant's. */
export function blobName(salt: Buffer, tenant: string, digest: Buffer): string {
  const tenantKey = createHmac('sha256', salt).update(tenant).digest();
  return createHmac('sha256', tenantKey).update(digest).digest('hex');
}

/** Names become paths and keys. */
export const isBlobName = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

/** An owner as a file name or part of a key: itself where that is safe (easy to find by hand), else a digest. */
export function ownerKeyOf(owner: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(owner)) return owner;
  return `~${createHash('sha256').update(owner).digest('hex')}`;
}
