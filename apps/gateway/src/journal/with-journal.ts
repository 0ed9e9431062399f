import type { GatewayTelemetry, RequestEnd } from '@fovea/observability';
import type { JournalEntry, RequestJournal } from './request-journal.js';

/**
 * Telemetry that writes each finished request down, too: where all requests end, whatever their route. Nobody waits for
 * the journal, and a failure to write is only told.
 */
export function withJournal(
  telemetry: GatewayTelemetry,
  journal: Pick<RequestJournal, 'record'>,
  onError: (error: unknown) => void,
): GatewayTelemetry {
  /** As large as the number of requests in flight, which admission bounds. */
  const live = new Set<string>();
  return {
    ...telemetry,
    requestStarted(event) {
      live.add(event.requestId);
      telemetry.requestStarted(event);
    },
    requestFinished(event) {
      telemetry.requestFinished(event);
      if (!live.delete(event.requestId)) return;
      journal.record(event.tenant, toEntry(event)).catch(onError);
    },
  };
}

function toEntry({ durationS, ...event }: RequestEnd): JournalEntry {
  const durationMs = Math.round(durationS * 1_000);
  return {
    arrivedAtMs: Date.now() - durationMs,
    model: event.model,
    // What a client calls it, without the slash in front.
    route: event.route.slice(1),
    promptTokens: event.promptTokens ?? 0,
    images: event.images ?? 0,
    completionTokens: event.completionTokens ?? 0,
    durationMs,
  };
}
