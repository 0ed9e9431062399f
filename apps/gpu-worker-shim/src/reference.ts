import { type MetricRow, metricRows } from '@fovea/observability';
import { shimMetrics } from './telemetry/shim-telemetry.js';

export { shimVariables } from './config/shim-variables.js';

/** Every metric of the shim for `docs/reference/metrics.md`, besides Node's own. */
export const shimMetricTable: readonly MetricRow[] = metricRows('gpu-worker-shim', shimMetrics);
