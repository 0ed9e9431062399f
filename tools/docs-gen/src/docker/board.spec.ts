import { shimMetricTable } from '@fovea/gpu-worker-shim/reference';
import { type MetricRow, metricTable } from '@fovea/observability';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parser } from '@prometheus-io/lezer-promql';
import { z } from 'zod';
import { readDockerFile } from './installation.js';

const boardSchema = z.object({
  panels: z.array(
    z.object({
      title: z.string(),
      description: z.string().min(1),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ expr: z.string(), datasource: z.object({ uid: z.string() }) })).min(1),
    }),
  ),
  templating: z.object({ list: z.array(z.object({ query: z.object({ query: z.string() }) })) }),
});

const table: readonly MetricRow[] = [...metricTable, ...shimMetricTable];
/** What a histogram is scraped as. */
const series = new Map(
  table.flatMap((row) =>
    row.type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((suffix) => [`${row.name}${suffix}`, row] as const)
      : [[row.name, row] as const],
  ),
);

/** The texts of all nodes of a kind in a PromQL expression. Throws where that is not PromQL. */
function texts(expression: string, kinds: readonly string[]): string[] {
  // Grafana fills these in.
  const text = expression.replaceAll('$__rate_interval', '1m').replaceAll('$model', '.*');
  const found: string[] = [];
  parser.parse(text).iterate({
    enter: ({ name, type, from, to }) => {
      if (type.isError) throw new Error(`not PromQL at character ${from}: ${text}`);
      if (kinds.includes(name)) found.push(text.slice(from, to));
    },
  });
  return found;
}

describe('the Grafana board', () => {
  let board: z.infer<typeof boardSchema>;
  let expressions: string[];
  beforeAll(async () => {
    board = boardSchema.parse(JSON.parse(await readDockerFile('observability/grafana/boards/fovea.json')));
    expressions = board.panels.flatMap((panel) => panel.targets.map(({ expr }) => expr));
  });

  it('asks for metrics that our programs serve', () => {
    const used = expressions.flatMap((expression) => texts(expression, ['Identifier']));
    const asked = board.templating.list.map(
      ({ query }) => /^label_values\((\w+), \w+\)$/.exec(query.query)?.[1],
    );
    expect(used.length).toBeGreaterThan(10);
    expect([...used, ...asked].filter((name) => !series.has(name ?? ''))).toEqual([]);
  });

  it('selects and groups by labels that the metrics have', () => {
    // `instance` and `job` come from Prometheus, `service` is on every metric of ours.
    const everywhere = ['le', 'instance', 'job', 'service'];
    for (const expression of expressions) {
      const labels = texts(expression, ['LabelName']);
      const rows = texts(expression, ['Identifier']).map((name) => series.get(name));
      const known = [...everywhere, ...rows.flatMap((row) => row?.labels ?? [])];
      expect({ expression, unknown: labels.filter((label) => !known.includes(label)) }).toEqual({
        expression,
        unknown: [],
      });
    }
  });

  it('takes rates of what only rises', () => {
    for (const expression of expressions) {
      const rated = texts(expression, ['MatrixSelector']).flatMap((part) =>
        texts(part.replace(/\[.*$/, ''), ['Identifier']),
      );
      expect(rated.filter((name) => series.get(name)?.type === 'gauge')).toEqual([]);
      const all = texts(expression, ['Identifier']);
      expect(all.filter((name) => series.get(name)?.type !== 'gauge' && !rated.includes(name))).toEqual([]);
    }
  });

  it('shows what one scales by', () => {
    const used = new Set(expressions.flatMap((expression) => texts(expression, ['Identifier'])));
    for (const name of [
      'fovea_time_to_first_token_seconds_bucket',
      'fovea_inter_token_latency_seconds_bucket',
      'fovea_request_queue_time_seconds_bucket',
      'fovea_generation_tokens_total',
      'fovea_request_images_total',
      'fovea_slots_in_use',
      'fovea_requests_rejected_total',
      'fovea_event_loop_delay_seconds_bucket',
      'fovea_queue_tokens_waiting',
    ])
      expect(used).toContain(name);
  });

  it('puts every panel in a place of its own, and asks the source that is provisioned', async () => {
    const cells = board.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from(
        { length: w * h },
        (_none, index) => `${x + (index % w)},${y + Math.floor(index / w)}`,
      );
    });
    expect(new Set(cells).size).toBe(cells.length);
    const sources = await readDockerFile('observability/grafana/provisioning/datasources/prometheus.yml');
    for (const panel of board.panels)
      for (const { datasource } of panel.targets) expect(sources).toContain(`uid: ${datasource.uid}`);
  });
});
