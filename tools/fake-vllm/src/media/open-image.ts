import { createHash } from 'node:crypto';
import type { Dialect } from '../dialect.js';
import { VllmError } from '../http/vllm-error.js';
import { openDataUrl } from './data-url.js';
import { openFileUrl } from './file-url.js';
import { imageSize } from './image-header.js';
import type { ImageTokens, PixelBounds } from './image-tokens.js';
import type { MediaCache } from './media-cache.js';
import type { SeenImage } from './seen-image.js';

/** One image as a request names it. */
export interface ImagePart {
  /** Empty when only the uuid is sent and the image is to come from the cache. */
  readonly url: string;
  readonly uuid: string | undefined;
}

export interface ImageReader {
  readonly dialect: Dialect;
  readonly cache: MediaCache;
  readonly allowedLocalMediaPath: string | undefined;
  readonly maxImagePixels: number;
  readonly imageTokens: ImageTokens;
}

async function readBytes(
  url: string,
  reader: ImageReader,
): Promise<Pick<SeenImage, 'mediaType' | 'source' | 'fileUrl'> & { bytes: Buffer }> {
  if (/^data:/i.test(url)) return { ...openDataUrl(url), source: 'data' };
  if (/^file:/i.test(url)) {
    const bytes = await openFileUrl(url, reader.allowedLocalMediaPath);
    return { bytes, mediaType: '', source: 'file', fileUrl: url };
  }
  if (/^https?:/i.test(url)) throw new VllmError(500, 'Internal server error: this engine fetches no images');
  throw new VllmError(400, 'The URL must be either a HTTP, data or file URL.');
}

function measure(bytes: Buffer, reader: ImageReader): { width: number; height: number } {
  const size = imageSize(bytes);
  if (size === undefined) {
    if (reader.dialect.undecodableImage === 'uncaught') {
      throw new VllmError(500, 'Internal Server Error', { form: 'plain' });
    }
    throw new VllmError(
      400,
      'Failed to load image: cannot identify image file <_io.BytesIO object at 0x7f3a5c0b1d50>',
    );
  }
  const pixels = size.width * size.height;
  if (pixels > reader.maxImagePixels) {
    const message = `Failed to load image: Image size (${pixels} pixels) exceeds limit of ${reader.maxImagePixels} pixels, could be decompression bomb DOS attack.`;
    throw new VllmError(reader.dialect.pixelCapStatus, message);
  }
  return size;
}

function fromCache(key: string, part: ImagePart, reader: ImageReader): SeenImage | undefined {
  const found = reader.cache.get(key);
  if (found === undefined) return undefined;
  const fileUrl = /^file:/i.test(part.url) ? part.url : undefined;
  return { ...found, uuid: part.uuid, isCached: true, source: 'cache', fileUrl };
}

/**
 * Reads one image of a request, or takes what the processor cache holds under its uuid or digest. Like vLLM it
 * believes a client's uuid: other bytes under a known uuid are not looked at. Throws a `VllmError`.
 */
export async function openImage(
  part: ImagePart,
  bounds: PixelBounds,
  reader: ImageReader,
): Promise<SeenImage> {
  const uuid = reader.cache.isOn ? part.uuid : undefined;
  if (uuid !== undefined) {
    const cached = fromCache(uuid, part, reader);
    if (cached !== undefined) return cached;
  }
  if (part.url === '') {
    throw new VllmError(
      400,
      `Expected a cached item for mm_hash='${part.uuid ?? ''}', but it is not cached.`,
    );
  }
  const { bytes, ...origin } = await readBytes(part.url, reader);
  const size = measure(bytes, reader);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = uuid ?? `${sha256}:${JSON.stringify(bounds)}`;
  const cached = fromCache(key, part, reader);
  if (cached !== undefined) return { ...cached, ...origin };
  const tokens = reader.imageTokens(size, bounds);
  const image = {
    ...origin,
    ...size,
    byteSize: bytes.length,
    sha256,
    tokens,
    uuid: part.uuid,
    isCached: false,
  };
  if (reader.cache.isOn) reader.cache.put(key, image);
  return image;
}
