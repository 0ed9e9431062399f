import { setImmediate } from 'node:timers/promises';
import type { BlobStore } from '@fovea/blob-store';
import { createImageInspector, type ImageInspector } from '@fovea/image-preprocessing';
import type { BlobRef } from '@fovea/schemas/jobs';

/** How much is inspected at once, and how long before the event loop turns. */
const SLICE_BYTES = 64 * 1024;
const SLICE_MS = 2;

export interface ImageIntakeOptions {
  readonly maxImageSidePx: number;
}

export interface ImageOwner {
  readonly tenant: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/**
 * Judges an image by its bytes while they pass on to the blob store. Nothing is decoded and nothing is held back. A file
 * of an unknown format, too large, damaged or cut off stops the put, which then leaves no trace.
 */
export class ImageIntake {
  constructor(
    private readonly blobs: BlobStore,
    private readonly options: ImageIntakeOptions,
  ) {}

  /**
   * Stores one image; the reference carries its true type, size, frames and orientation.
   *
   * @param path the field that holds it, for errors: `messages[0].content[1].image_url.url`
   * @throws FoveaError `INVALID_IMAGE` or `IMAGE_TOO_LARGE` at the first byte that shows it, with `param`.
   */
  async store(bytes: AsyncIterable<Uint8Array>, path: string, owner: ImageOwner): Promise<BlobRef> {
    const inspector = createImageInspector({ maxSidePx: this.options.maxImageSidePx }, path);
    const ref = await this.blobs.put(inspected(bytes, inspector), {
      tenant: owner.tenant,
      owner: owner.requestId,
      mediaType: 'application/octet-stream',
      signal: owner.signal,
    });
    return { ...ref, ...inspector.end() };
  }
}

/** Passes on what the inspector has let pass. Its last word comes before the store's, so that a cut file is not kept. */
async function* inspected(
  bytes: AsyncIterable<Uint8Array>,
  inspector: ImageInspector,
): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    await inspect(piece, inspector);
    yield piece;
  }
  inspector.end();
}

/** Most pieces take microseconds; one that is made of markers takes milliseconds. */
async function inspect(piece: Uint8Array, inspector: ImageInspector): Promise<void> {
  let sinceMs = performance.now();
  for (let from = 0; from < piece.length; from += SLICE_BYTES) {
    if (performance.now() - sinceMs > SLICE_MS) {
      await setImmediate();
      sinceMs = performance.now();
    }
    inspector.push(piece.subarray(from, from + SLICE_BYTES));
  }
}
