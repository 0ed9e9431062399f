import { adapterMetrics } from './adapter-telemetry.js';
import type { MetricDefinition } from './definition.js';
import { gatewayMetrics } from './gateway-telemetry.js';

/** One row of the generated reference page. */
export interface MetricRow {
  readonly process: string;
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Besides `service`, which every metric has. */
  readonly labels: readonly string[];
  readonly help: string;
}

const rows = (process: string, definitions: Record<string, MetricDefinition<unknown>>): MetricRow[] =>
  Object.values(definitions).map(({ name, type, labels, help }) => ({ process, name, type, labels, help }));

/** Every metric of the gateway and the worker-adapter, besides Node's own. */
export const metricTable: readonly MetricRow[] = [
  ...rows('gateway', gatewayMetrics),
  ...rows('worker-adapter', adapterMetrics),
];
