import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { GatewayTelemetry } from '@fovea/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { openExchange } from '../http/exchange.js';
import { contextOf, tenantOf } from '../http/request-context.js';
import type { ImageIntake } from '../ingest/image-intake.js';
import { boundaryOf } from '../multipart/boundary-of.js';
import { readForm } from '../multipart/read-form.js';
import type { ReceiveUpload } from '../upload/receive-upload.js';
import { whileTimeLasts } from '../upload/while-time-lasts.js';
import type { StoredFile } from './file-catalogue.js';
import type { FileShelf } from './file-shelf.js';
import { toFileObject } from './file-wire.js';
import { readUpload, type Upload } from './read-upload.js';

export interface UploadHandlerPorts {
  readonly uploads: ReceiveUpload;
  readonly images: ImageIntake;
  readonly blobs: BlobStore;
  readonly shelf: FileShelf;
  readonly telemetry: GatewayTelemetry;
  readonly requestTimeoutS: number;
  /** How long a file stays when its upload does not say. */
  readonly defaultLifetimeS: number;
}

/** `POST /files` from the raw body to the answer. A file that is refused leaves nothing behind. */
export class UploadHandler {
  constructor(private readonly ports: UploadHandlerPorts) {}

  async handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { id: requestId, startedAtMs } = contextOf(request);
    const tenant = tenantOf(request);
    const id = `file-${requestId}`;
    const exchange = openExchange(reply.raw, startedAtMs, this.ports.requestTimeoutS);
    try {
      const boundary = boundaryOf(request.headers['content-type']);
      await this.ports.shelf.requireRoom(tenant);
      const upload = await this.#receive(request, reply, { id, boundary, signal: exchange.signal });
      const file = this.#toFile(id, upload);
      await this.ports.shelf.add(tenant, file);
      if (upload.ignored.length > 0) {
        const names = upload.ignored.map((name) => encodeURIComponent(name).slice(0, 64));
        reply.header('x-ignored-params', names.join(', '));
      }
      reply.code(200).header('content-type', 'application/json; charset=utf-8');
      reply.send(JSON.stringify(toFileObject(file)));
    } catch (thrown) {
      await this.ports.blobs.release(id, { linger: false });
      const { code, status, limit } = FoveaError.from(thrown);
      const route = request.routeOptions.url;
      this.ports.telemetry.requestRejected({ code, status, requestId, tenant, route, limit: limit?.name });
      throw thrown;
    } finally {
      exchange.close();
    }
  }

  async #receive(
    request: FastifyRequest,
    reply: FastifyReply,
    {
      id,
      boundary,
      signal,
    }: { readonly id: string; readonly boundary: string; readonly signal: AbortSignal },
  ): Promise<Upload> {
    const owner = { tenant: tenantOf(request), requestId: id, signal };
    return this.ports.uploads.receive(request, reply, (body) =>
      whileTimeLasts(body, signal, () =>
        readUpload(readForm(body, boundary), (bytes, field) => this.ports.images.store(bytes, field, owner)),
      ),
    );
  }

  #toFile(id: string, { blob, fileName, purpose, expiresAfterS }: Upload): StoredFile {
    const createdAtMs = Date.now();
    const lifetimeS = expiresAfterS ?? this.ports.defaultLifetimeS;
    return { id, blob, fileName, purpose, createdAtMs, expiresAtMs: createdAtMs + lifetimeS * 1000 };
  }
}
