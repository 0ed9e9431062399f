import { afterEach, describe, expect, it } from '@jest/globals';
import { createRegistry } from './metrics/process-metrics.js';
import { type OpsServer, type Readiness, startOpsServer } from './ops-server.js';

describe('startOpsServer', () => {
  let server: OpsServer;
  const start = async (readiness: () => Promise<Readiness>): Promise<string> => {
    server = await startOpsServer({
      host: '127.0.0.1',
      port: 0,
      registry: createRegistry('test'),
      readiness,
    });
    return `http://127.0.0.1:${server.port}`;
  };
  afterEach(() => server.close());

  it('answers liveness, readiness, metrics and nothing else', async () => {
    const url = await start(async () => ({ ready: true, checks: { redis: 'ok' } }));
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${url}/health/ready?x=1`);
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, checks: { redis: 'ok' } }]);
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    expect(await metrics.text()).toContain('nodejs_eventloop_lag_p99_seconds{service="test"}');
    expect((await fetch(`${url}/health`)).status).toBe(404);
    expect((await fetch(`${url}/health/live`, { method: 'POST', body: 'x' })).status).toBe(404);
  });

  it('answers 503 while not ready, and when the check fails, without its reason', async () => {
    let checks = 0;
    const url = await start(async () => {
      checks += 1;
      if (checks > 1) throw new Error('connect ECONNREFUSED 10.0.0.7');
      return { ready: false, checks: { redis: 'no answer' } };
    });
    const first = await fetch(`${url}/health/ready`);
    expect([first.status, await first.json()]).toEqual([
      503,
      { ready: false, checks: { redis: 'no answer' } },
    ]);
    const second = await fetch(`${url}/health/ready`);
    expect(second.status).toBe(503);
    expect(await second.text()).not.toContain('10.0.0.7');
  });

  it('answers 503 when the check hangs, and liveness meanwhile', async () => {
    const url = await start(() => new Promise(() => {}));
    const ready = fetch(`${url}/health/ready`);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect((await ready).status).toBe(503);
  });

  it('rejects when the port is taken', async () => {
    const url = await start(async () => ({ ready: true, checks: {} }));
    const port = Number(new URL(url).port);
    const options = {
      host: '127.0.0.1',
      port,
      registry: createRegistry('other'),
      readiness: async () => ({ ready: true, checks: {} }),
    };
    await expect(startOpsServer(options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('closes at once although a client keeps its connection', async () => {
    const url = await start(() => new Promise(() => {}));
    const hanging = fetch(`${url}/health/ready`).catch((error: unknown) => error);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await server.close();
    await server.close();
    expect(await hanging).toBeDefined();
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
  });
});
