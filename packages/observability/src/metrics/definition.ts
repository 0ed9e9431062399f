import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** One metric: what the reference page shows of it, and how a process registers it. */
export interface MetricDefinition<M> {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /**
   * Makes the metric in the process' registry; a second one of the same name throws. `collect`, which only gauges have, is
   * waited for whenever somebody reads the registry; when it throws, nothing can be read.
   */
  register(registry: Registry, collect?: () => Promise<void>): M;
}

export function counter<L extends string>(
  name: string,
  labels: readonly L[],
  help: string,
): MetricDefinition<Counter<L>> {
  const register = (registry: Registry) =>
    new Counter({ name, help, labelNames: labels, registers: [registry] });
  return { name, type: 'counter', labels, help, register };
}

export function gauge<L extends string>(
  name: string,
  labels: readonly L[],
  help: string,
): MetricDefinition<Gauge<L>> {
  const register = (registry: Registry, collect?: () => Promise<void>) =>
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      ...(collect === undefined ? {} : { collect }),
    });
  return { name, type: 'gauge', labels, help, register };
}

export function histogram<L extends string>(
  name: string,
  labels: readonly L[],
  buckets: readonly number[],
  help: string,
): MetricDefinition<Histogram<L>> {
  const register = (registry: Registry) =>
    new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [registry] });
  return { name, type: 'histogram', labels, help, register };
}

/** Upper bounds in seconds, the same as vLLM's, so that one dashboard serves both. */
export const buckets = {
  timeToFirstToken: [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160,
    640, 2560,
  ],
  interTokenLatency: [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
  ],
  requestLatency: [
    0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
  ],
} as const;

const MAX_LABEL_VALUES = 256;
const MAX_LABEL_CHARACTERS = 256;

/**
 * Keeps a label's values few: the first `MAX_LABEL_VALUES` stand for themselves, later ones are `other`. Model names
 * come from workers, but a process lives longer than any of them.
 */
export function boundedLabel(): (value: string) => string {
  const seen = new Set<string>();
  return (value) => {
    const label = value.slice(0, MAX_LABEL_CHARACTERS);
    if (seen.has(label)) return label;
    if (seen.size >= MAX_LABEL_VALUES) return 'other';
    seen.add(label);
    return label;
  };
}
