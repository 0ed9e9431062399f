import type { ImageMediaType } from '../header/image-header.js';
import type { ByteCursor } from './byte-cursor.js';
import { walkGif } from './gif-walk.js';
import type { ImageWalk } from './image-walk.js';
import { walkJpeg } from './jpeg-walk.js';
import { walkPng } from './png-walk.js';
import { walkWebp } from './webp-walk.js';

const walks: Readonly<Record<ImageMediaType, (cursor: ByteCursor) => ImageWalk>> = {
  'image/png': walkPng,
  'image/jpeg': walkJpeg,
  'image/webp': walkWebp,
  'image/gif': walkGif,
};

/** Begins the walk of a format, at the first byte of the file. */
export function walkImage(mediaType: ImageMediaType, cursor: ByteCursor): ImageWalk {
  return walks[mediaType](cursor);
}
