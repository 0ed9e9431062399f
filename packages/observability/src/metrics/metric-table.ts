import { adapterMetrics } from './adapter-telemetry.js';
import type { MetricDefinition } from './definition.js';
import { gatewayMetrics } from './gateway-telemetry.js';
import { processMetrics } from './process-metrics.js';
import { queueMetrics } from './queue-metrics.js';

/** One row of the generated reference page. */
export interface MetricRow {
  readonly process: string;
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Besides `service`, which every metric has. */
  readonly labels: readonly string[];
  readonly help: string;
}

/** The rows of one process: its own metrics and those that every process has. */
export const metricRows = (
  process: string,
  definitions: Record<string, MetricDefinition<unknown>>,
): MetricRow[] =>
  Object.values({ ...definitions, ...processMetrics }).map(({ name, type, labels, help }) => ({
    process,
    name,
    type,
    labels,
    help,
  }));

/** Every metric of the gateway and the worker-adapter, besides Node's own. */
export const metricTable: readonly MetricRow[] = [
  ...metricRows('gateway', { ...gatewayMetrics, ...queueMetrics }),
  ...metricRows('worker-adapter', adapterMetrics),
];
