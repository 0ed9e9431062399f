import type { Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Admission } from '../admission/admission.js';
import type { ByteGrant } from '../admission/bytes-in-flight.js';
import { tenantOf } from '../http/request-context.js';
import { ACCEPTED_CODINGS, type Coding, parseContentEncoding } from './content-encoding.js';
import { decompress, memoryOf } from './decompress.js';
import { LargeWindows } from './large-windows.js';
import { WireBody, type WireLimits } from './wire-body.js';

/** Reads the decoded bytes of a body to their end. */
export type UploadReader<T> = (body: Readable) => Promise<T>;

/**
 * Takes request bodies in: admits them, says `100 Continue`, unpacks and bounds them. The one way by which a route
 * gets at a body.
 */
export class ReceiveUpload {
  readonly #windows = new LargeWindows();

  constructor(
    private readonly admission: Admission,
    private readonly limits: WireLimits,
  ) {}

  /**
   * Hands the body to `read` and returns its result. Whatever happens, the bytes in flight are given back when this
   * settles. Throws `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `RATE_LIMITED`, `QUEUE_FULL`, `REQUEST_TIMEOUT`,
   * `CLIENT_CLOSED`, `INVALID_REQUEST` for broken compression, and what `read` throws.
   */
  async receive<T>(request: FastifyRequest, reply: FastifyReply, read: UploadReader<T>): Promise<T> {
    const codings = codingsOf(request, reply);
    const decoderBytes = memoryOf(codings);
    const declaredBytes = contentLength(request);
    const verdict = this.admission.admitBody(tenantOf(request), { declaredBytes, decoderBytes });
    if (!verdict.admitted) throw verdict.error;
    const { grant } = verdict;
    try {
      if (waitsForContinue(request)) reply.raw.writeContinue();
      return await this.#read(request, codings, (bytes) => cover(grant, decoderBytes + bytes), read);
    } finally {
      grant.release();
    }
  }

  async #read<T>(
    request: FastifyRequest,
    codings: readonly Coding[],
    onBytes: (total: number) => void,
    read: UploadReader<T>,
  ): Promise<T> {
    const wire = new WireBody(request.raw, this.limits, onBytes);
    const over = new AbortController();
    const watch = {
      maxBodyBytes: this.limits.maxBodyBytes,
      wireBytes: () => wire.byteSize,
      onDecoded: onBytes,
      windows: this.#windows,
      signal: over.signal,
    };
    const body = codings.length === 0 ? wire : decompress(wire, codings, watch);
    // A reader that has given up listens no more, and the client may leave just then.
    for (const stream of [wire, body]) stream.on('error', () => {});
    try {
      return await read(body);
    } catch (thrown) {
      // What a reader makes of a stream that broke says less than why it broke.
      if (FoveaError.isInstance(body.errored)) throw body.errored;
      throw wire.readableEnded ? thrown : whileUploading(thrown);
    } finally {
      over.abort();
      body.destroy();
      wire.destroy();
    }
  }
}

function codingsOf(request: FastifyRequest, reply: FastifyReply): readonly Coding[] {
  try {
    return parseContentEncoding(request.headers['content-encoding']);
  } catch (error) {
    // RFC 9110, 15.5.16: a 415 about a coding says which ones are taken.
    reply.header('accept-encoding', ACCEPTED_CODINGS);
    throw error;
  }
}

function contentLength(request: FastifyRequest): number | undefined {
  const text = request.headers['content-length'];
  return text === undefined ? undefined : Number(text);
}

/** HTTP/1.0 knows no `100 Continue` (RFC 9110, 10.1.1). Other expectations are refused at the door. */
const waitsForContinue = ({ raw }: FastifyRequest): boolean =>
  raw.headers.expect !== undefined && raw.httpVersion === '1.1';

function cover(grant: ByteGrant, bytes: number): void {
  const verdict = grant.cover(bytes);
  if (!verdict.admitted) throw verdict.error;
}

/** Time that ran out before the body was there is the upload's, not the model's. */
function whileUploading(thrown: unknown): unknown {
  const isTimeout = FoveaError.isInstance(thrown) && thrown.code === 'TIMEOUT';
  return isTimeout ? new FoveaError('REQUEST_TIMEOUT', { limit: thrown.limit }) : thrown;
}
