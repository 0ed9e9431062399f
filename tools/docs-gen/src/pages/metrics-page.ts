import type { MetricRow } from '@fovea/observability';
import { type Page, page } from '../markdown/page.js';
import { code, table } from '../markdown/table.js';

const INTRODUCTION = `Each process serves its own at \`/metrics\`, in the text format of Prometheus: the gateway and the
worker-adapter on their ops ports, the shim on its only port. Every one adds Node's own metrics (\`process_…\`,
\`nodejs_…\`, event-loop delay among them) and the label \`service\`. Times are in seconds.`;

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
