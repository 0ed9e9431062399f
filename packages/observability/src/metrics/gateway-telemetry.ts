import type { ErrorCode } from '@fovea/errors';
import type { Registry } from 'prom-client';
import type { Logger } from '../log/logger.js';
import { boundedLabel, buckets, counter, gauge, histogram } from './definition.js';
import { createRegistry } from './process-metrics.js';

/** How a request or generation ended. */
export type Outcome = 'ok' | ErrorCode;

export const gatewayMetrics = {
  requests: counter(
    'fovea_requests_total',
    ['model', 'outcome'],
    'Finished requests; outcome is `ok` or an error code.',
  ),
  rejected: counter(
    'fovea_requests_rejected_total',
    ['outcome'],
    'Requests refused before they were queued, at the door included; outcome is an error code.',
  ),
  cancelled: counter(
    'fovea_requests_cancelled_total',
    ['reason'],
    'Requests that nobody waited for any more.',
  ),
  waiting: gauge('fovea_requests_waiting', ['model'], 'Requests of this gateway that no worker has begun.'),
  running: gauge('fovea_requests_running', ['model'], 'Requests of this gateway that a worker is answering.'),
  timeToFirstToken: histogram(
    'fovea_time_to_first_token_seconds',
    ['model'],
    buckets.timeToFirstToken,
    'From the arrival of a request to its first token.',
  ),
  latency: histogram(
    'fovea_e2e_request_latency_seconds',
    ['model', 'outcome'],
    buckets.requestLatency,
    'From the arrival of a request to its end; outcome is `ok`, `error` or `cancelled`.',
  ),
  images: counter('fovea_request_images_total', ['model'], 'Images in finished requests.'),
  uploadBytesInFlight: gauge(
    'fovea_upload_bytes_in_flight',
    [],
    'Bytes that running uploads hold: declared or arrived, and the memory of their decoders.',
  ),
  bytesIn: counter('fovea_request_body_bytes_total', ['model'], 'Bytes of the bodies of finished requests.'),
} as const;

export interface RequestStart {
  readonly requestId: string;
  readonly tenant: string;
  /** Path template, without `/v1`: what kind of request it is. */
  readonly route: string;
  /** A registered model's name, never a client's unchecked text. */
  readonly model: string;
}

export interface RequestEnd extends RequestStart {
  readonly outcome: Outcome;
  /** HTTP status that was sent. */
  readonly status: number;
  readonly durationS: number;
  /** Absent when no token was sent. */
  readonly ttftS?: number | undefined;
  readonly queueTimeS?: number | undefined;
  readonly promptTokens?: number | undefined;
  readonly completionTokens?: number | undefined;
  readonly images?: number | undefined;
  readonly bytesIn?: number | undefined;
}

export interface RequestRejection {
  readonly code: ErrorCode;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly tenant?: string | undefined;
  /** Path template, without query: a refusal must be traceable to its route. */
  readonly route?: string | undefined;
  readonly bytesIn?: number | undefined;
  /** Name of the limit that was hit. */
  readonly limit?: string | undefined;
}

export interface RequestCancellation {
  readonly requestId: string;
  readonly reason: 'client-closed' | 'interest-lapsed' | 'deadline' | 'shutdown';
}

/** What happens to requests, in the gateway's words. One method per event; each counts and logs. */
export interface GatewayTelemetry {
  readonly registry: Registry;
  /** Accepted and queued. */
  requestStarted(event: RequestStart): void;
  /** A worker has begun to answer. */
  requestRunning(event: { readonly requestId: string }): void;
  /** Answered, failed or left. Counts once per started request, however often it is called. */
  requestFinished(event: RequestEnd): void;
  /** Refused before it was queued. */
  requestRejected(event: RequestRejection): void;
  /**
   * Refused before anybody knew what it wanted: no key, no HTTP, no such route. Counted like the others; logged for those
   * who debug only, since strangers could fill the log.
   */
  turnedAway(event: RequestRejection): void;
  /** How much running uploads hold now, all together. */
  uploadBytesInFlight(bytes: number): void;
  /** Why a request was given up; `requestFinished` follows. */
  cancelled(event: RequestCancellation): void;
}

const outcomeClass = (outcome: Outcome): 'ok' | 'error' | 'cancelled' => {
  if (outcome === 'ok') return 'ok';
  return outcome === 'CANCELLED' || outcome === 'CLIENT_CLOSED' ? 'cancelled' : 'error';
};

/** One per process. */
export function createGatewayTelemetry(
  logger: Logger,
  registry: Registry = createRegistry('gateway'),
): GatewayTelemetry {
  const requests = gatewayMetrics.requests.register(registry);
  const rejected = gatewayMetrics.rejected.register(registry);
  const cancelled = gatewayMetrics.cancelled.register(registry);
  const gauges = {
    waiting: gatewayMetrics.waiting.register(registry),
    running: gatewayMetrics.running.register(registry),
  };
  const timeToFirstToken = gatewayMetrics.timeToFirstToken.register(registry);
  const latency = gatewayMetrics.latency.register(registry);
  const images = gatewayMetrics.images.register(registry);
  const bytesIn = gatewayMetrics.bytesIn.register(registry);
  const uploadBytes = gatewayMetrics.uploadBytesInFlight.register(registry);
  const label = boundedLabel();
  /** As large as the number of requests in flight, which admission bounds. */
  const live = new Map<string, { readonly model: string; state: 'waiting' | 'running' }>();

  return {
    registry,
    requestStarted({ requestId, model }) {
      if (live.has(requestId)) return;
      const known = label(model);
      live.set(requestId, { model: known, state: 'waiting' });
      gauges.waiting.inc({ model: known });
    },
    requestRunning({ requestId }) {
      const request = live.get(requestId);
      if (request === undefined || request.state === 'running') return;
      gauges.waiting.dec({ model: request.model });
      gauges.running.inc({ model: request.model });
      request.state = 'running';
    },
    requestFinished(event) {
      const request = live.get(event.requestId);
      if (request === undefined) return;
      live.delete(event.requestId);
      const { model, state } = request;
      gauges[state].dec({ model });
      requests.inc({ model, outcome: event.outcome });
      latency.observe({ model, outcome: outcomeClass(event.outcome) }, event.durationS);
      if (event.ttftS !== undefined) timeToFirstToken.observe({ model }, event.ttftS);
      images.inc({ model }, event.images ?? 0);
      bytesIn.inc({ model }, event.bytesIn ?? 0);
      logger.info(event, 'request finished');
    },
    requestRejected(event) {
      rejected.inc({ outcome: event.code });
      logger.info(event, 'request rejected');
    },
    turnedAway(event) {
      rejected.inc({ outcome: event.code });
      logger.debug(event, 'request turned away');
    },
    uploadBytesInFlight(bytes) {
      uploadBytes.set(bytes);
    },
    cancelled(event) {
      cancelled.inc({ reason: event.reason });
      logger.info(event, 'request cancelled');
    },
  };
}
