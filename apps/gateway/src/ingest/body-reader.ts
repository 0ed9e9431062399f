import type { Readable } from 'node:stream';
import type { BlobRef } from '@fovea/schemas/jobs';

/** Stores one decoded image and says where; `path` is where the client put it. */
export type MediaSink = (bytes: AsyncIterable<Uint8Array>, path: string) => Promise<BlobRef>;

export interface BodyReadOptions {
  readonly sink: MediaSink;
  readonly signal: AbortSignal;
}

export interface ReadBody {
  /** The JSON value, with the empty string wherever an image stood. */
  readonly value: unknown;
  /** The images, by the path at which they stood. Only the reader can add to it, so no client text can forge one. */
  readonly media: ReadonlyMap<string, BlobRef>;
  readonly byteSize: number;
}

/**
 * Turns the raw bytes of a chat request into a small JSON value and stored images.
 *
 * The reader counts every byte against the limit, decodes and hands each image to the sink, and throws catalogue
 * errors that carry the field's path. What it had stored when it throws is the caller's to release.
 */
export abstract class BodyReader {
  abstract read(source: Readable, options: BodyReadOptions): Promise<ReadBody>;
}
