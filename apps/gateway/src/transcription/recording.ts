import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import type { Asker } from '../tasks/submit-job.js';

/** How files begin that speech engines know: bytes at a place, and what that makes them. */
const beginnings: readonly (readonly [at: number, bytes: string, mediaType: string])[] = [
  [8, 'WAVE', 'audio/wav'],
  [0, 'fLaC', 'audio/flac'],
  [0, 'OggS', 'audio/ogg'],
  [4, 'ftyp', 'audio/mp4'],
  [0, '\x1aE\xdf\xa3', 'audio/webm'],
  [0, 'ID3', 'audio/mpeg'],
  [8, 'AIFF', 'audio/aiff'],
  [8, 'AIFC', 'audio/aiff'],
];
const BEGINNING_BYTES = 12;

/** The type of a recording by its first bytes; engines look for themselves, so what is unknown here may be known there. */
export function mediaTypeOf(beginning: Buffer): string {
  const found = beginnings.find(
    ([at, bytes]) => beginning.toString('latin1', at, at + bytes.length) === bytes,
  );
  if (found !== undefined) return found[2];
  // An MPEG frame without a tag in front: eleven bits set, then version and layer.
  const [first = 0, second = 0] = beginning;
  return first === 0xff && (second & 0xe6) > 0xe0 ? 'audio/mpeg' : 'application/octet-stream';
}

/**
 * Stores a recording while it arrives. Throws `INVALID_AUDIO` with the part's name for an empty one.
 */
export async function storeRecording(
  bytes: AsyncIterable<Uint8Array>,
  part: string,
  blobs: BlobStore,
  { tenant, requestId: owner, signal }: Asker,
): Promise<BlobRef> {
  const beginning: number[] = [];
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of bytes) {
      if (beginning.length < BEGINNING_BYTES)
        beginning.push(...piece.subarray(0, BEGINNING_BYTES - beginning.length));
      yield piece;
    }
    if (beginning.length === 0) {
      throw new FoveaError('INVALID_AUDIO', { message: 'The recording is empty.', param: part });
    }
  };
  const ref = await blobs.put(watched(), { tenant, owner, mediaType: 'application/octet-stream', signal });
  return { ...ref, mediaType: mediaTypeOf(Buffer.from(beginning)) };
}
