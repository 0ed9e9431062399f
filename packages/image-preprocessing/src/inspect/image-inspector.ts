import { FoveaError } from '@fovea/errors';
import { LONGEST_SIGNATURE, recogniseFormat } from '../header/image-format.js';
import {
  damagedImage,
  type ImageHeader,
  type ImageMediaType,
  type PixelTraits,
} from '../header/image-header.js';
import { assertImageWithinLimits, type ImageLimits } from '../header/image-limits.js';
import { ByteCursor } from './byte-cursor.js';
import type { ImageWalk, PictureEnd } from './image-walk.js';
import { walkImage } from './walk-image.js';

/** What the bytes of a whole image file tell about it. */
export interface ImageFacts extends ImageHeader, PixelTraits {
  /** Pictures in an animation; 1 for a still one. */
  readonly frames: number;
  /** Bytes of the file, those behind the end of the picture included. */
  readonly byteSize: number;
}

/** Looks at one image file while it passes by. */
export interface ImageInspector {
  /** Looks at the next bytes. They are not kept: their buffer may be filled anew. */
  push(piece: Uint8Array): void;
  /** Tells what the file is, once all of it has been pushed. May be asked again. */
  end(): ImageFacts;
}

const ends: Readonly<Record<ImageMediaType, string>> = {
  'image/png': 'a PNG that is cut off before its IEND chunk',
  'image/jpeg': 'a JPEG that is cut off before its end marker',
  'image/webp': 'a WebP that is shorter than its header tells',
  'image/gif': 'a GIF that is cut off before its trailer',
};

/**
 * Inspects an image file as it streams, in one pass at memory speed and with less than 100 bytes held.
 *
 * `push` throws at the first byte that shows it: an unknown format, a side over the limit, a structure that
 * breaks the format. `end` throws when the file is cut off. After a throw the inspector is of no more use.
 *
 * No pixel is decoded. What only decoding shows (picture bytes that are too few, damaged or of another size,
 * inside of sound segments) is found by whoever decodes the image first. Bytes behind the end of the picture
 * are counted, not looked at: decoders ignore them.
 *
 * @param path the field that holds the image, as the client wrote it: `messages[0].content[1].image_url.url`
 * @throws FoveaError `INVALID_IMAGE`, or `IMAGE_TOO_LARGE` with the limit; both with `param`.
 */
export function createImageInspector(limits: ImageLimits, path: string): ImageInspector {
  return new StreamingImageInspector(limits, path);
}

class StreamingImageInspector implements ImageInspector {
  readonly #cursor = new ByteCursor();
  /** The bytes by which the format is told, while it is not. */
  #start = Buffer.alloc(0);
  #format: ImageMediaType | undefined;
  #walk: ImageWalk | undefined;
  #header: ImageHeader | undefined;
  #pictureEnd: PictureEnd | undefined;
  #byteSize = 0;

  constructor(
    private readonly limits: ImageLimits,
    private readonly path: string,
  ) {}

  push(piece: Uint8Array): void {
    this.#byteSize += piece.length;
    if (this.#pictureEnd !== undefined) return;
    const rest = this.#format === undefined ? this.#recognise(piece) : piece;
    if (rest.length > 0) this.#advance(rest);
  }

  end(): ImageFacts {
    if (this.#format === undefined) throw this.#unreadable();
    if (this.#header === undefined || this.#pictureEnd === undefined) {
      throw this.#blame(damagedImage(ends[this.#format]));
    }
    const { mediaType, width, height } = this.#header;
    const { frames, orientation, traits } = this.#pictureEnd;
    const facts = { mediaType, width, height, frames, byteSize: this.#byteSize, ...traits };
    return orientation === undefined ? facts : { ...facts, orientation };
  }

  /** Takes what it needs to tell the format; gives back the rest. */
  #recognise(piece: Uint8Array): Uint8Array {
    const taken = LONGEST_SIGNATURE - this.#start.length;
    this.#start = Buffer.concat([this.#start, piece.subarray(0, taken)]);
    const format = recogniseFormat(this.#start);
    if (format === 'unknown-format') throw this.#unreadable();
    if (format === 'need-more-bytes') return piece.subarray(taken);
    this.#format = format;
    this.#walk = walkImage(format, this.#cursor);
    this.#advance(this.#start);
    return piece.subarray(taken);
  }

  #advance(piece: Uint8Array): void {
    this.#cursor.feed(piece);
    for (;;) {
      const step = this.#next();
      if (step?.done) this.#pictureEnd = step.value;
      if (step === undefined || step.done || step.value === undefined) break;
      this.#header = step.value;
      assertImageWithinLimits(step.value, this.limits, this.path);
    }
    this.#cursor.release();
  }

  #next() {
    try {
      return this.#walk?.next();
    } catch (error) {
      throw FoveaError.isInstance(error) ? this.#blame(error) : error;
    }
  }

  #blame(error: FoveaError): FoveaError {
    return new FoveaError(error.code, { message: error.message, param: this.path, cause: error });
  }

  #unreadable(): FoveaError {
    return new FoveaError('INVALID_IMAGE', {
      message: 'The data are no PNG, JPEG, WebP or GIF image.',
      param: this.path,
    });
  }
}
