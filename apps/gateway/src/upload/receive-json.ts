import type { FastifyReply, FastifyRequest } from 'fastify';
import { openExchange } from '../http/exchange.js';
import { contextOf } from '../http/request-context.js';

import type { BodyReader } from '../ingest/body-reader.js';
import { mediaPlaces } from '../ingest/media/media-places.js';
import { requireJson } from '../tasks/request-head.js';
import type { ReceiveUpload } from './receive-upload.js';

const noMedia = mediaPlaces([]);

/** The JSON body of a route that takes no media, read under the same limits as any upload. */
export class ReceiveJson {
  constructor(
    private readonly uploads: ReceiveUpload,
    private readonly reader: BodyReader,
    private readonly requestTimeoutS: number,
  ) {}

  /** Throws `UNSUPPORTED_MEDIA_TYPE` unless it is declared as JSON, `INVALID_REQUEST` unless it is. */
  async receive(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    requireJson(request);
    const exchange = openExchange(reply.raw, contextOf(request).startedAtMs, this.requestTimeoutS);
    try {
      const { value } = await this.uploads.receive(request, reply, (body) =>
        this.reader.read(body, { sink: refuseMedium, signal: exchange.signal, places: noMedia }),
      );
      return value;
    } finally {
      exchange.close();
    }
  }
}

/** Not reached: without places there is no medium. */
const refuseMedium = (): Promise<never> =>
  Promise.reject(new Error('a medium where there is no place for one'));
