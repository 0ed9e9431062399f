import type { BlobRef } from '@fovea/schemas/jobs';
import type { Source } from './body-source.js';
import type { Place } from './media/media-places.js';

/**
 * Stores one decoded medium and says where; `path` is where the client put it.
 *
 * A piece is the sink's only until it asks for the next one: its memory is used again. What a sink wants to keep for
 * longer it copies, and a stream that reads ahead (`Readable.from`) must be given copies. To refuse a medium, a sink rejects;
 * the upload ends there.
 */
export type MediaSink = (bytes: AsyncIterable<Uint8Array>, path: string) => Promise<BlobRef>;

export interface BodyReadOptions {
  readonly sink: MediaSink;
  readonly signal: AbortSignal;
  /** Where this route takes media. */
  readonly places: Place;
}

export interface ReadBody {
  /** The JSON value, with the empty string wherever a medium stood. */
  readonly value: unknown;
  /** The media, by the path at which they stood. Only the reader can add to it, so no client text can forge one. */
  readonly media: ReadonlyMap<string, BlobRef>;
  readonly byteSize: number;
}

/**
 * Turns the raw bytes of a request into a small JSON value and stored media.
 *
 * The reader counts every byte against the limit, decodes each medium and hands it to the sink while the body is still
 * coming, and throws catalogue errors that carry the field's path. When it returns or throws, every sink it called
 * has settled. What had been stored when it throws is the caller's to release; so is the rest of the upload,
 * which is left unread in the paused source.
 */
export abstract class BodyReader {
  abstract read(source: Source, options: BodyReadOptions): Promise<ReadBody>;
}
