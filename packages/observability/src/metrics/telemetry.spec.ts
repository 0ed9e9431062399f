import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { createLogger } from '../log/logger.js';
import { createAdapterTelemetry } from './adapter-telemetry.js';
import { boundedLabel } from './definition.js';
import { createGatewayTelemetry } from './gateway-telemetry.js';
import { metricTable } from './metric-table.js';
import { registerQueueGauges } from './queue-metrics.js';

const silent = createLogger({ service: 'test', level: 'silent', destination: new PassThrough() });

async function sample(registry: { metrics(): Promise<string> }, line: string): Promise<string | undefined> {
  const text = await registry.metrics();
  return text
    .split('\n')
    .find((entry) => entry.startsWith(`${line} `))
    ?.split(' ')[1];
}

describe('gateway telemetry', () => {
  it('moves a request from waiting to running to finished', async () => {
    const telemetry = createGatewayTelemetry(silent);
    const gauge = (name: string) =>
      sample(telemetry.registry, `fovea_requests_${name}{model="ocr",service="gateway"}`);
    const request = { tenant: 'alpha', route: '/chat/completions', model: 'ocr' };
    telemetry.requestStarted({ ...request, requestId: 'r1' });
    telemetry.requestStarted({ ...request, requestId: 'r2' });
    telemetry.requestRunning({ requestId: 'r1' });
    telemetry.requestRunning({ requestId: 'r1' });
    expect([await gauge('waiting'), await gauge('running')]).toEqual(['1', '1']);
    const end = { ...request, outcome: 'ok', status: 200, durationS: 2, ttftS: 0.5, images: 3 } as const;
    telemetry.requestFinished({ ...end, requestId: 'r1' });
    telemetry.requestFinished({ ...end, requestId: 'r1' });
    telemetry.requestFinished({ ...end, requestId: 'r2', outcome: 'CLIENT_CLOSED', ttftS: undefined });
    expect([await gauge('waiting'), await gauge('running')]).toEqual(['0', '0']);
    const at = (line: string) => sample(telemetry.registry, line);
    expect(await at('fovea_requests_total{model="ocr",outcome="ok",service="gateway"}')).toBe('1');
    expect(await at('fovea_time_to_first_token_seconds_count{service="gateway",model="ocr"}')).toBe('1');
    expect(
      await at('fovea_e2e_request_latency_seconds_count{service="gateway",model="ocr",outcome="cancelled"}'),
    ).toBe('1');
    expect(await at('fovea_request_images_total{model="ocr",service="gateway"}')).toBe('6');
  });

  it('counts rejections by code and cancellations by reason', async () => {
    const telemetry = createGatewayTelemetry(silent);
    telemetry.requestRejected({ code: 'QUEUE_FULL', status: 503 });
    telemetry.turnedAway({ code: 'UNAUTHORIZED', status: 401 });
    telemetry.cancelled({ requestId: 'r1', reason: 'deadline' });
    const at = (line: string) => sample(telemetry.registry, line);
    expect(await at('fovea_requests_rejected_total{outcome="QUEUE_FULL",service="gateway"}')).toBe('1');
    expect(await at('fovea_requests_rejected_total{outcome="UNAUTHORIZED",service="gateway"}')).toBe('1');
    expect(await at('fovea_requests_cancelled_total{reason="deadline",service="gateway"}')).toBe('1');
  });
});

describe('adapter telemetry', () => {
  it('counts jobs, tokens, gaps and lost leases', async () => {
    const telemetry = createAdapterTelemetry(silent);
    const job = { requestId: 'r1', model: 'ocr', lane: 'media' };
    telemetry.jobTaken({ ...job, attempt: 1, queueTimeS: 0.2 });
    telemetry.tokenGap({ model: 'ocr', gapS: 0.03 });
    telemetry.generationFinished({
      ...job,
      outcome: 'ok',
      durationS: 1,
      promptTokens: 40,
      completionTokens: 7,
    });
    telemetry.leaseLost(job);
    const at = (line: string) => sample(telemetry.registry, line.replace('}', ',service="worker-adapter"}'));
    expect(await at('fovea_prompt_tokens_total{model="ocr"}')).toBe('40');
    expect(await at('fovea_generation_tokens_total{model="ocr"}')).toBe('7');
    expect(await at('fovea_leases_lost_total{lane="media"}')).toBe('1');
    expect(await telemetry.registry.metrics()).toContain('fovea_request_queue_time_seconds_count');
  });

  it('shows what an engine is given, and its own figures only while they are known', async () => {
    const telemetry = createAdapterTelemetry(silent);
    const at = (line: string) => sample(telemetry.registry, line.replace('}', ',service="worker-adapter"}'));
    const state = {
      engine: '1',
      lanes: [{ lane: 'media', inUse: 1, effective: 2, total: 4 }],
      tokensInUse: 900,
      tokenBudget: Number.POSITIVE_INFINITY,
      brake: { load: true, refusal: false },
    };
    telemetry.engineState({ ...state, load: { running: 3, kvCacheUsage: 0.5 } });
    expect(await at('fovea_slots_in_use{engine="1",lane="media"}')).toBe('1');
    expect(await at('fovea_slots_effective{engine="1",lane="media"}')).toBe('2');
    expect(await at('fovea_slots{engine="1",lane="media"}')).toBe('4');
    expect(await at('fovea_engine_tokens_in_use{engine="1"}')).toBe('900');
    expect(await at('fovea_engine_token_budget{engine="1"}')).toBeUndefined();
    expect(await at('fovea_engine_brake{engine="1",reason="load"}')).toBe('1');
    expect(await at('fovea_engine_brake{engine="1",reason="refusal"}')).toBe('0');
    expect(await at('fovea_engine_requests_running{engine="1"}')).toBe('3');
    expect(await at('fovea_engine_requests_waiting{engine="1"}')).toBeUndefined();
    expect(await at('fovea_engine_kv_cache_usage_ratio{engine="1"}')).toBe('0.5');
    telemetry.engineState({ ...state, tokenBudget: 1_000 });
    expect(await at('fovea_engine_token_budget{engine="1"}')).toBe('1000');
    expect(await at('fovea_engine_requests_running{engine="1"}')).toBeUndefined();
  });

  it('counts the jobs an engine had no room for, and those that wait for a place', async () => {
    const telemetry = createAdapterTelemetry(silent);
    const at = (line: string) => sample(telemetry.registry, line.replace('}', ',service="worker-adapter"}'));
    telemetry.engineRefused({ requestId: 'r1', model: 'ocr', lane: 'text', engine: '0' });
    telemetry.waitingForPlace('text', 2);
    expect(await at('fovea_engine_refusals_total{engine="0"}')).toBe('1');
    expect(await at('fovea_jobs_waiting_for_place{lane="text"}')).toBe('2');
  });

  it('shows one condition of an engine, and counts what happened to it', async () => {
    const telemetry = createAdapterTelemetry(silent);
    const at = (name: string, labels = '') =>
      sample(telemetry.registry, `${name}{engine="0"${labels},service="worker-adapter"}`);
    for (const condition of ['fit', 'stalled', 'breaker-half-open'] as const) {
      telemetry.engineCondition('0', condition);
    }
    expect(await at('fovea_engine_condition', ',condition="fit"')).toBe('0');
    expect(await at('fovea_engine_condition', ',condition="breaker-half-open"')).toBe('1');
    telemetry.engineStalled({ engine: '0', silentS: 60, runs: 3 });
    telemetry.engineDied({ engine: '0', runs: 3 });
    telemetry.breakerOpened('0');
    telemetry.condemned({ engine: '0', requestId: 'r1' });
    const names = ['engine_stalls', 'engine_deaths', 'requests_suspected', 'engine_breaker_openings'];
    const counts = names.map((name) => at(`fovea_${name}_total`));
    expect(await Promise.all(counts)).toEqual(['1', '1', '3', '1']);
    expect(await at('fovea_requests_condemned_total')).toBe('1');
  });

  it('logs a change of engine health once', async () => {
    const destination = new PassThrough();
    const telemetry = createAdapterTelemetry(createLogger({ service: 'test', level: 'info', destination }));
    for (const healthy of [true, true, false, false, true]) telemetry.engineHealth('0', healthy);
    const lines = String(destination.read()).trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(
      await sample(telemetry.registry, 'fovea_engine_healthy{engine="0",service="worker-adapter"}'),
    ).toBe('1');
  });
});

describe('the metric table', () => {
  it('lists what the registries hold, besides the metrics of Node', async () => {
    const registries = [createGatewayTelemetry(silent).registry, createAdapterTelemetry(silent).registry];
    registerQueueGauges(registries[0] ?? new Registry(), async () => ({ lanes: [], models: [] }), silent);
    const metrics = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()));
    const names = metrics
      .flat()
      .map((metric) => metric.name)
      .filter((name) => name.startsWith('fovea_'));
    expect(names.sort()).toEqual(metricTable.map((row) => row.name).sort());
    expect(metrics[0]?.some((metric) => metric.name === 'nodejs_eventloop_lag_p99_seconds')).toBe(true);
  });

  it('follows the naming rules of Prometheus', () => {
    for (const { name, type, help } of metricTable) {
      expect(name).toMatch(/^fovea_[a-z0-9_]+$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/\.$/);
    }
  });
});

describe('boundedLabel', () => {
  it('keeps the first values and calls the rest other', () => {
    const label = boundedLabel();
    const labels = Array.from({ length: 400 }, (_, index) => label(`model-${index}`));
    expect(new Set(labels).size).toBe(257);
    expect(labels[300]).toBe('other');
    expect(label('model-0')).toBe('model-0');
    expect(boundedLabel()('x'.repeat(1_000))).toHaveLength(256);
  });
});
