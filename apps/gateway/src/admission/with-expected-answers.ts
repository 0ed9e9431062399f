import type { GatewayTelemetry } from '@fovea/observability';
import type { ExpectedAnswers } from './expected-answers.js';

/** Telemetry that notes the length of each whole answer, too. */
export function withExpectedAnswers(telemetry: GatewayTelemetry, answers: ExpectedAnswers): GatewayTelemetry {
  return {
    ...telemetry,
    requestFinished(event) {
      telemetry.requestFinished(event);
      const { outcome, model, completionTokens = 0 } = event;
      if (outcome === 'ok' && completionTokens > 0) answers.note(model, completionTokens);
    },
  };
}
