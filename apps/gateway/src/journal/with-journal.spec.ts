import { PassThrough } from 'node:stream';
import { createGatewayTelemetry, createLogger } from '@fovea/observability';
import { describe, expect, it } from '@jest/globals';
import type { JournalEntry } from './request-journal.js';
import { withJournal } from './with-journal.js';

const silent = createLogger({ service: 'test', level: 'silent', destination: new PassThrough() });
const start = { requestId: 'r1', tenant: 'acme', route: '/chat/completions', model: 'ocr' };

describe('telemetry with a journal', () => {
  const written: { tenant: string; entry: JournalEntry }[] = [];
  const errors: unknown[] = [];
  let problem: Error | undefined;
  const journal = {
    record: (tenant: string, entry: JournalEntry) => {
      if (problem !== undefined) return Promise.reject(problem);
      written.push({ tenant, entry });
      return Promise.resolve();
    },
  };
  const telemetry = withJournal(createGatewayTelemetry(silent), journal, (error) => errors.push(error));

  it('writes down each request that ends, once, with its figures', () => {
    const beforeMs = Date.now();
    telemetry.requestStarted(start);
    const end = { ...start, outcome: 'ok', status: 200, durationS: 1.2344, images: 2 } as const;
    telemetry.requestFinished({ ...end, promptTokens: 40, completionTokens: 7 });
    telemetry.requestFinished(end);
    const [{ tenant, entry } = { tenant: '', entry: undefined }] = written;
    expect([written.length, tenant]).toEqual([1, 'acme']);
    expect(entry).toEqual({
      arrivedAtMs: expect.any(Number),
      model: 'ocr',
      route: 'chat/completions',
      promptTokens: 40,
      images: 2,
      completionTokens: 7,
      durationMs: 1_234,
    });
    expect(Math.abs((entry?.arrivedAtMs ?? 0) + 1_234 - beforeMs)).toBeLessThan(5_000);
  });

  it('writes down those that fail as well, without figures nobody knows', () => {
    written.length = 0;
    telemetry.requestStarted(start);
    telemetry.requestFinished({ ...start, outcome: 'BACKEND_ERROR', status: 502, durationS: 0.5 });
    expect(written[0]?.entry).toMatchObject({ promptTokens: 0, images: 0, completionTokens: 0 });
  });

  it('counts a request also when it cannot be written down', async () => {
    problem = new Error('away');
    telemetry.requestStarted(start);
    telemetry.requestFinished({ ...start, outcome: 'ok', status: 200, durationS: 0.5 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([problem]);
    expect(await telemetry.registry.metrics()).toMatch(
      /fovea_requests_total\{model="ocr",outcome="ok".*\} 2/,
    );
  });
});
