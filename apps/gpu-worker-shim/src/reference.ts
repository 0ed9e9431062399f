import type { MetricRow } from '@fovea/observability';
import { shimMetrics } from './telemetry/shim-telemetry.js';

export { shimVariables } from './config/shim-variables.js';

/** Every metric of the shim for `docs/reference/metrics.md`, besides Node's own. */
export const shimMetricTable: readonly MetricRow[] = Object.values(shimMetrics).map(
  ({ name, type, labels, help }) => ({ process: 'gpu-worker-shim', name, type, labels, help }),
);
