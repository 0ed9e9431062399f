import { FoveaError } from '@fovea/errors';

/** The formats that Fovea reads. What a client declares does not matter, only the bytes do. */
export type ImageMediaType = 'image/png' | 'image/jpeg' | 'image/webp' | 'image/gif';

/** EXIF orientation: 1 is upright, 5 to 8 swap width and height. */
export type ExifOrientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Pixels along the two sides of a picture. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** What of a picture is not plain. Absent means plain: 8 bits a channel, grey or RGB, nothing transparent. */
export interface PixelTraits {
  /** It may have transparent parts. Never told of a GIF. */
  readonly hasAlpha?: true;
  /** Bits per channel, where they are more than 8. */
  readonly bitDepth?: number;
  readonly colourModel?: 'cmyk';
}

/** What the first bytes of an image file tell about it. */
export interface ImageHeader {
  readonly mediaType: ImageMediaType;
  /** Pixels as stored, before any EXIF rotation. Of an animation: what its first frame decodes to. */
  readonly width: number;
  /** Pixels as stored, before any EXIF rotation. */
  readonly height: number;
  /** From EXIF that stands before the size, as in JPEG; PNG and WebP carry theirs behind it. */
  readonly orientation?: ExifOrientation;
}

/** Builds the error for a file whose structure breaks its format. `reason` is public, so it holds no bytes. */
export function damagedImage(reason: string): FoveaError {
  return new FoveaError('INVALID_IMAGE', { message: `The image is damaged: ${reason}.` });
}

/** Reads `length` bytes as ASCII, as the four-letter names of chunks are. */
export function asciiAt(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}
