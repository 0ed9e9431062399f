import { posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EngineImage } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';

/** How an engine is handed pictures. */
export interface ImageHandover {
  /** The blob folder as the engine sees it, absolute; undefined: the bytes are sent. */
  readonly mediaPath: string | undefined;
  /** The engine takes a cache key with each picture. */
  readonly hasUuids: boolean;
}

/** A blob cannot be read although a reference holds it: our failure, not the client's. */
export const unreadable = (ref: BlobRef, cause: unknown): FoveaError =>
  new FoveaError('INTERNAL', { detail: `blob ${ref.name} cannot be read`, cause });

/**
 * A blob as the engine gets it. Its cache key is the blob's name: HMAC of tenant and bytes, so that no tenant can name
 * the pictures of another. The blob has to be held until the engine is done.
 */
export function toEngineImage(
  ref: BlobRef,
  path: string,
  { mediaPath, hasUuids }: ImageHandover,
  { blobs, signal }: { readonly blobs: BlobStore; readonly signal: AbortSignal },
): EngineImage {
  const file = mediaPath === undefined ? undefined : blobs.locate(ref);
  return {
    mediaType: ref.mediaType,
    byteSize: ref.byteSize,
    path,
    chunks: () => blobChunks(ref, blobs, signal),
    ...(hasUuids ? { uuid: ref.name } : {}),
    ...(file === undefined || mediaPath === undefined
      ? {}
      : { fileUrl: pathToFileURL(posix.join(mediaPath, file.below)).href }),
  };
}

/** A blob's bytes as the engine is sent them. Throws `INTERNAL` when it is gone. */
export async function* blobChunks(
  ref: BlobRef,
  blobs: BlobStore,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* await blobs.open(ref, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(ref, error);
  }
}
