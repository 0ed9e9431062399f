import type { ExifOrientation, ImageHeader, PixelTraits } from '../header/image-header.js';

/** What a walk tells as soon as it knows it. */
export interface Sighting extends ImageHeader {
  /** The picture is at least so large; another sighting follows. */
  readonly mayGrow?: boolean;
}

/** What a walk tells at the end of the picture. Bytes behind it are not looked at. */
export interface PictureEnd {
  /** Pictures in an animation; 1 for a still one. */
  readonly frames: number;
  readonly orientation: ExifOrientation | undefined;
  readonly traits?: PixelTraits;
}

/**
 * One format's way through a file: yields undefined when it has used up the piece, a sighting when it knows
 * the size, and returns at the end of the picture. Throws `INVALID_IMAGE` at the first byte that breaks the
 * format. It starts at the first byte of the file, whose signature is known to be right.
 */
export type ImageWalk = Generator<Sighting | undefined, PictureEnd, undefined>;

/** A part of a walk that meets no size. */
export type WalkPart<Result> = Generator<undefined, Result, undefined>;
