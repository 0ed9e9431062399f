export type { Counter, Gauge, Histogram, Registry } from 'prom-client';
export { createLogger, type Logger, type LoggerOptions } from './log/logger.js';
export { redactText } from './log/redact-text.js';
export { redactValue } from './log/redact-value.js';
export {
  type AdapterTelemetry,
  createAdapterTelemetry,
  type GenerationFinished,
  type JobTaken,
} from './metrics/adapter-telemetry.js';
export {
  boundedLabel,
  buckets,
  counter,
  gauge,
  histogram,
  type MetricDefinition,
} from './metrics/definition.js';
export type { EngineCondition, EngineTelemetry } from './metrics/engine-metrics.js';
export {
  createGatewayTelemetry,
  type GatewayTelemetry,
  type Outcome,
  type RequestCancellation,
  type RequestEnd,
  type RequestRejection,
  type RequestStart,
} from './metrics/gateway-telemetry.js';
export { type MetricRow, metricRows, metricTable } from './metrics/metric-table.js';
export { createRegistry } from './metrics/process-metrics.js';
export { type LaneLoad, type QueueLoad, registerQueueGauges } from './metrics/queue-metrics.js';
export { type OpsServer, type OpsServerOptions, type Readiness, startOpsServer } from './ops-server.js';
