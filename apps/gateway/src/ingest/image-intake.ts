import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import { assertImageWithinLimits, type ImageHeader, probeImageHeader } from '@fovea/image-preprocessing';
import type { BlobRef } from '@fovea/schemas/jobs';

export interface ImageIntakeOptions {
  readonly maxImageSidePx: number;
  /** How far into a file its size may hide behind metadata segments. */
  readonly maxHeaderBytes: number;
}

export interface ImageOwner {
  readonly tenant: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/**
 * Judges an image by its header while its bytes pass on to the blob store. Nothing is decoded; a file that is not one of
 * the known formats, or is too large, stops the put, which then leaves no trace.
 */
export class ImageIntake {
  constructor(
    private readonly blobs: BlobStore,
    private readonly options: ImageIntakeOptions,
  ) {}

  async store(bytes: AsyncIterable<Uint8Array>, path: string, owner: ImageOwner): Promise<BlobRef> {
    let header: ImageHeader | undefined;
    const judged = this.#judge(bytes, path, (found) => {
      header = found;
    });
    const ref = await this.blobs.put(judged, {
      tenant: owner.tenant,
      owner: owner.requestId,
      mediaType: 'application/octet-stream',
      signal: owner.signal,
    });
    if (header === undefined) throw unreadable(path);
    return { ...ref, mediaType: header.mediaType, width: header.width, height: header.height };
  }

  async *#judge(
    bytes: AsyncIterable<Uint8Array>,
    path: string,
    found: (header: ImageHeader) => void,
  ): AsyncGenerator<Uint8Array> {
    const held: Uint8Array[] = [];
    let heldBytes = 0;
    let judged = false;
    for await (const piece of bytes) {
      if (!judged) {
        held.push(piece);
        heldBytes += piece.length;
        const header = this.#probe(Buffer.concat(held), path);
        if (header === undefined && heldBytes > this.options.maxHeaderBytes) throw unreadable(path);
        if (header === undefined) continue;
        assertImageWithinLimits(header, { maxSidePx: this.options.maxImageSidePx }, path);
        found(header);
        judged = true;
        yield* held.splice(0);
      } else yield piece;
    }
    if (!judged) throw unreadable(path);
  }

  #probe(bytes: Uint8Array, path: string): ImageHeader | undefined {
    let header: ReturnType<typeof probeImageHeader>;
    try {
      header = probeImageHeader(bytes);
    } catch (error) {
      if (FoveaError.isInstance(error)) {
        throw new FoveaError(error.code, { message: error.message, param: path, cause: error });
      }
      throw error;
    }
    if (header === 'unknown-format') throw unreadable(path);
    return header === 'need-more-bytes' ? undefined : header;
  }
}

function unreadable(path: string): FoveaError {
  return new FoveaError('INVALID_IMAGE', {
    message: 'The data are no PNG, JPEG, WebP or GIF image, or the file ends before its size is known.',
    param: path,
  });
}
