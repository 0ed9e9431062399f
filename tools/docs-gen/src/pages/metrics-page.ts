import type { MetricRow } from '@fovea/observability';
import { type Page, page } from '../markdown/page.js';
import { code, table } from '../markdown/table.js';

const INTRODUCTION = `Each process serves its own at \`/metrics\`, in the text format of Prometheus: the gateway and the
worker-adapter on their ops ports, the shim on its only port. Every one adds Node's own metrics (\`process_…\`,
\`nodejs_…\`) and the label \`service\`. Times are in seconds.

\`fovea_queue_…\` and \`fovea_model_available\` are read from Redis at each scrape and are the same from each gateway: take
\`max by (checkpoint, lane, model)\` of them, never the sum. While a gateway cannot read them, it leaves them out. How to scale by
them: [scale workers](../guides/scale-workers.md).`;

/** `metrics.md`: every metric of our own, by process. */
export function metricsPage(rows: readonly MetricRow[]): Page {
  const processes = [...new Set(rows.map((row) => row.process))];
  const sections = processes.map((process) => {
    const cells = rows
      .filter((row) => row.process === process)
      .map((row) => [code(row.name), row.type, row.labels.map(code).join(', '), row.help]);
    return `## ${process}\n\n${table(['Metric', 'Type', 'Labels', 'Meaning'], cells)}`;
  });
  return page('metrics.md', 'Metrics', [INTRODUCTION, ...sections]);
}
