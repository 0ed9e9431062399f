import type { ImageSize } from './image-header.js';

/** Where the engine got an image from. */
export type ImageSource = 'data' | 'file' | 'cache';

/** What the engine saw of one image. */
export interface SeenImage extends ImageSize {
  /** As the data URL declares it, empty for a file; vLLM does not use it. */
  readonly mediaType: string;
  readonly byteSize: number;
  /** Of the decoded bytes, hex. */
  readonly sha256: string;
  readonly source: ImageSource;
  /** The part's `uuid`, which vLLM takes as the cache key, whoever sent it. */
  readonly uuid?: string | undefined;
  /** For `file`: the URL as it was sent. */
  readonly fileUrl?: string | undefined;
  /** Set when the processor cache had it: then these facts are those of the image first seen under the key. */
  readonly isCached: boolean;
  /** Tokens it takes in the prompt, its two wrapper tokens left out. */
  readonly tokens: number;
}
