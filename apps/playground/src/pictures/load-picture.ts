import { ProblemError } from '../wire/problem.js';
import { LONGEST_SIGNATURE, mediaTypeOf } from './media-type.js';
import type { Picture } from './picture.js';

let lastId = 0;

/** Reads format and size of a picture. Throws `ProblemError` `INVALID_IMAGE` for what is none. */
export async function loadPicture(file: File): Promise<Picture> {
  const start = new Uint8Array(await file.slice(0, LONGEST_SIGNATURE).arrayBuffer());
  const mediaType = mediaTypeOf(start);
  const name = file.name === '' ? 'picture' : file.name;
  if (mediaType === undefined) {
    const message = `${name} is no PNG, JPEG, WebP or GIF picture.`;
    throw new ProblemError({ code: 'INVALID_IMAGE', message });
  }
  const url = URL.createObjectURL(file);
  const shown = new Image();
  shown.src = url;
  try {
    await loaded(shown);
  } catch {
    URL.revokeObjectURL(url);
    const message = `${name} is damaged: it cannot be shown.`;
    throw new ProblemError({ code: 'INVALID_IMAGE', message });
  }
  lastId += 1;
  const { naturalWidth: width, naturalHeight: height } = shown;
  return { id: lastId, name, file, mediaType, width, height, url };
}

/** Its size is known then; pixels are decoded when it is painted. */
function loaded(image: HTMLImageElement): Promise<void> {
  return new Promise((resolve, reject) => {
    image.onload = () => resolve();
    image.onerror = () => reject(new Error('not an image'));
  });
}
