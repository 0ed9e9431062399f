import { FoveaError } from '@fovea/errors';
import type { GatewayTelemetry, RequestStart } from '@fovea/observability';
import type { Usage } from '@fovea/schemas/events';

/** How an accepted request ended. */
export interface RequestResult {
  readonly status: number;
  readonly usage: Usage | undefined;
  readonly queueTimeMs: number | undefined;
  readonly error: FoveaError | undefined;
}

/** Measures one accepted request with the gateway's clock. */
export class RequestTelemetry {
  #firstTokenMs: number | undefined;
  #queueTimeMs: number | undefined;

  constructor(
    private readonly telemetry: GatewayTelemetry,
    private readonly start: RequestStart & { readonly images: number; readonly bytesIn: number },
    private readonly startedAtMs: number,
  ) {
    telemetry.requestStarted(start);
  }

  /** @param queueTimeMs milliseconds the job waited in its lane, as the worker saw it */
  firstOutput(queueTimeMs: number | undefined): void {
    this.#firstTokenMs ??= performance.now();
    this.#queueTimeMs = queueTimeMs;
    this.telemetry.requestRunning(this.start);
  }

  finished({ status, usage, queueTimeMs = this.#queueTimeMs, error }: RequestResult): void {
    const code = error?.code;
    const { requestId } = this.start;
    if (code === 'CLIENT_CLOSED') this.telemetry.cancelled({ requestId, reason: 'client-closed' });
    if (code === 'TIMEOUT') this.telemetry.cancelled({ requestId, reason: 'deadline' });
    this.telemetry.requestFinished({
      ...this.start,
      outcome: code ?? 'ok',
      status,
      durationS: this.#since(performance.now()),
      ttftS: this.#firstTokenMs === undefined ? undefined : this.#since(this.#firstTokenMs),
      queueTimeS: queueTimeMs === undefined ? undefined : queueTimeMs / 1000,
      promptTokens: usage?.promptTokens,
      completionTokens: usage?.completionTokens,
    });
  }

  #since(momentMs: number): number {
    return (momentMs - this.startedAtMs) / 1000;
  }
}
