import { createHash } from 'node:crypto';

/** The digest of a file that comes in pieces. */
export interface ContentDigest {
  update(piece: Buffer): unknown;
  /** 32 bytes; to be called once. */
  end(): Buffer;
}

type Blake = Pick<typeof import('@napi-rs/blake-hash'), 'Blake3Hasher'>;

/**
 * BLAKE3, which takes a quarter of SHA-256's time: so little that the event loop can do it. On a platform for which there is
 * no binary it is SHA-256; equal pictures from two hosts that differ in this are stored twice.
 */
export async function loadContentDigest(loadBlake: () => Promise<Blake>): Promise<() => ContentDigest> {
  const blake = await loadBlake().catch(() => undefined);
  return blake === undefined ? sha256 : () => blake3(blake);
}

/** Begins the digest of a file. */
export const createContentDigest = await loadContentDigest(() => import('@napi-rs/blake-hash'));

function blake3({ Blake3Hasher }: Blake): ContentDigest {
  const hasher = new Blake3Hasher();
  return { update: (piece) => hasher.update(piece), end: () => hasher.digestBuffer() };
}

function sha256(): ContentDigest {
  const hash = createHash('sha256');
  return { update: (piece) => hash.update(piece), end: () => hash.digest() };
}
