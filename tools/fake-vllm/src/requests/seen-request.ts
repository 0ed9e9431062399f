import type { IncomingHttpHeaders } from 'node:http';
import type { SeenImage } from '../media/seen-image.js';

/** A request as the engine saw it, for assertions. Image bytes are kept as digests only. */
export interface SeenRequest {
  readonly requestId: string;
  /** The path it came by. */
  readonly route: string;
  readonly stream: boolean;
  readonly images: readonly SeenImage[];
  readonly lastUserText: string;
  /** Everything but messages, prompt, input and documents, as it came. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly promptTokens: number;
  /** Prompt tokens the prefix cache had; known once the request runs. */
  readonly cachedTokens: number;
  readonly cacheSalt: string | undefined;
  /** Lower-case names; `authorization` is left out. */
  readonly headers: Readonly<IncomingHttpHeaders>;
}
