import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { GatewayTelemetry } from '@fovea/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Exchange, openExchange } from '../http/exchange.js';
import { contextOf, requestSource, tenantOf } from '../http/request-context.js';
import type { BodyReader, ReadBody } from '../ingest/body-reader.js';
import type { ImageIntake } from '../ingest/image-intake.js';
import type { Place } from '../ingest/media/media-places.js';
import { boundaryOf } from '../multipart/boundary-of.js';
import { type FormPart, readForm } from '../multipart/read-form.js';
import type { ReceiveUpload } from '../upload/receive-upload.js';
import { whileTimeLasts } from '../upload/while-time-lasts.js';
import { headerText, isNice, requireJson } from './request-head.js';
import { type RequestResult, RequestTelemetry } from './request-telemetry.js';
import type { Asker } from './submit-job.js';

export interface TaskRoutePorts {
  readonly upload: ReceiveUpload;
  readonly reader: BodyReader;
  readonly images: ImageIntake;
  readonly blobs: BlobStore;
  readonly telemetry: GatewayTelemetry;
  readonly requestTimeoutS: number;
}

/** What a route's judgement tells of a request that it accepted. */
export interface Accepted {
  /** The model's registered name. */
  readonly model: string;
  readonly images: number;
}

/** One route: how its body is read, judged and answered. */
export interface TaskSteps<B extends { readonly byteSize: number }, A extends Accepted> {
  /** Reads the body; what it stores belongs to the request and is released if the request is refused. */
  read(asker: Asker): Promise<B>;
  /** Throws the catalogue error of a request that is not accepted. */
  accept(body: B, asker: Asker): Promise<A>;
  /** Sends the whole answer. What goes wrong before its first byte is thrown. */
  answer(accepted: A, exchange: Exchange, telemetry: RequestTelemetry): Promise<RequestResult>;
}

/** A request that becomes a job, from its raw body to the last byte of its answer: the frame of every such route. */
export class TaskRoute {
  constructor(private readonly ports: TaskRoutePorts) {}

  async run<B extends { readonly byteSize: number }, A extends Accepted>(
    request: FastifyRequest,
    reply: FastifyReply,
    steps: TaskSteps<B, A>,
  ): Promise<void> {
    const { id: requestId, startedAtMs } = contextOf(request);
    const exchange = openExchange(reply.raw, startedAtMs, this.ports.requestTimeoutS);
    try {
      const { accepted, bytesIn } = await this.#accept(request, exchange, steps);
      const { model, images } = accepted;
      const start = { ...requestSource(request), requestId, model, images, bytesIn };
      const telemetry = new RequestTelemetry(this.ports.telemetry, start, startedAtMs);
      telemetry.finished(await this.#answer(accepted, exchange, telemetry, steps));
    } finally {
      exchange.close();
    }
  }

  /** Reads a JSON body, whose images at `places` are stored while it arrives. */
  async readJson(
    request: FastifyRequest,
    reply: FastifyReply,
    { tenant, requestId, signal }: Asker,
    places: Place,
  ): Promise<ReadBody> {
    requireJson(request);
    const owner = { tenant, requestId, signal };
    return this.ports.upload.receive(request, reply, (body) =>
      this.ports.reader.read(body, {
        sink: (bytes, path) => this.ports.images.store(bytes, path, owner),
        signal,
        places,
      }),
    );
  }

  /** Reads a form part by part while it arrives. */
  readForm<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    { signal }: Asker,
    read: (parts: AsyncIterable<FormPart>) => Promise<T>,
  ): Promise<T> {
    const boundary = boundaryOf(request.headers['content-type']);
    return this.ports.upload.receive(request, reply, (body) =>
      whileTimeLasts(body, signal, () => read(readForm(body, boundary))),
    );
  }

  /** What was stored for a request that is refused is deleted at once. */
  async #accept<B extends { readonly byteSize: number }, A extends Accepted>(
    request: FastifyRequest,
    { signal, deadlineAtMs }: Exchange,
    steps: TaskSteps<B, A>,
  ): Promise<{ accepted: A; bytesIn: number }> {
    const { id: requestId } = contextOf(request);
    const tenant = tenantOf(request);
    let bytesIn = 0;
    try {
      const traceparent = headerText(request, 'traceparent');
      const asker = { requestId, tenant, nice: isNice(request), deadlineAtMs, traceparent, signal };
      const body = await steps.read(asker);
      bytesIn = body.byteSize;
      return { accepted: await steps.accept(body, asker), bytesIn };
    } catch (thrown) {
      await this.ports.blobs.release(requestId, { linger: false });
      const { code, status, limit } = FoveaError.from(thrown);
      const route = request.routeOptions.url;
      const about = { requestId, tenant, route, bytesIn, limit: limit?.name };
      this.ports.telemetry.requestRejected({ code, status, ...about });
      throw thrown;
    }
  }

  async #answer<A extends Accepted>(
    accepted: A,
    exchange: Exchange,
    telemetry: RequestTelemetry,
    { answer }: Pick<TaskSteps<never, A>, 'answer'>,
  ): Promise<RequestResult> {
    try {
      return await answer(accepted, exchange, telemetry);
    } catch (thrown) {
      const error = FoveaError.from(thrown);
      telemetry.finished({ status: error.status, usage: undefined, queueTimeMs: undefined, error });
      throw thrown;
    }
  }
}
