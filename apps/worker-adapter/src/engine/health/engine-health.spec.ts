import { FoveaError } from '@fovea/errors';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeBackend } from '../../fakes/fake-backend.js';
import { EngineHealth } from './engine-health.js';

const rules = { intervalMs: 1, timeoutMs: 1_000, failuresUntilUnfit: 3, successesUntilFit: 2 };
const never = new AbortController().signal;
const refused = new FoveaError('BACKEND_ERROR', { detail: 'connect ECONNREFUSED' });

describe('EngineHealth', () => {
  const backend = new FakeBackend();
  let health = new EngineHealth(backend, rules);

  const changed = (): Promise<[boolean, string]> =>
    new Promise((resolve) => {
      const stop = health.onChange((isFit, reason) => {
        stop();
        resolve([isFit, reason]);
      });
    });

  const startFit = async (): Promise<void> => {
    backend.problem = undefined;
    health = new EngineHealth(backend, rules);
    health.start();
    await health.untilFit(never);
  };

  afterEach(() => health.stop());

  it('is unfit until the engine answered once', async () => {
    health = new EngineHealth(backend, rules);
    expect(health.isFit).toBe(false);
    health.start();
    expect(await health.untilFit(never)).toBe(true);
  });

  it('becomes unfit only after a run of failures, and says why', async () => {
    await startFit();
    const before = backend.probes;
    backend.problem = refused;
    expect(await changed()).toEqual([false, 'connect ECONNREFUSED']);
    expect(backend.probes - before).toBeGreaterThanOrEqual(3);
    expect(health.lastProblem).toBe('connect ECONNREFUSED');
  });

  it('forgives a single failure', async () => {
    await startFit();
    const changes: boolean[] = [];
    health.onChange((isFit) => changes.push(isFit));
    const checkHealth = backend.checkHealth.bind(backend);
    let failures = 2;
    await new Promise<void>((resolve) => {
      let later = 5;
      backend.checkHealth = () => {
        failures -= 1;
        if (failures >= 0) return Promise.reject(refused);
        later -= 1;
        if (later === 0) resolve();
        return Promise.resolve();
      };
    });
    backend.checkHealth = checkHealth;
    expect(changes).toEqual([]);
  });

  it('needs several successes to be fit again', async () => {
    await startFit();
    backend.problem = refused;
    await changed();
    const before = backend.probes;
    backend.problem = undefined;
    expect((await changed())[0]).toBe(true);
    expect(backend.probes - before).toBeGreaterThanOrEqual(2);
  });

  it('is unfit at once when a recheck fails, which many callers share', async () => {
    await startFit();
    await health.stop();
    health = new EngineHealth(backend, { ...rules, intervalMs: 60_000 });
    health.start();
    await health.untilFit(never);
    backend.problem = refused;
    const before = backend.probes;
    expect(await Promise.all([health.recheck(), health.recheck(), health.recheck()])).toEqual([
      false,
      false,
      false,
    ]);
    expect(backend.probes - before).toBe(1);
  });

  it('counts an answer that does not come in time as a failure', async () => {
    const hanging = new FakeBackend();
    hanging.checkHealth = () => Promise.resolve();
    health = new EngineHealth(hanging, { ...rules, timeoutMs: 5, failuresUntilUnfit: 1 });
    health.start();
    await health.untilFit(never);
    hanging.checkHealth = (signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    expect(await changed()).toEqual([false, 'no answer within 5 ms']);
  });

  it('stops waiting when the signal aborts', async () => {
    backend.problem = refused;
    health = new EngineHealth(backend, rules);
    health.start();
    const leaving = new AbortController();
    const waiting = health.untilFit(leaving.signal);
    leaving.abort();
    expect(await waiting).toBe(false);
  });

  it('stops while a probe hangs', async () => {
    const hanging = new FakeBackend();
    const asked = new Promise<void>((resolve) => {
      hanging.checkHealth = (signal: AbortSignal) =>
        new Promise<void>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          resolve();
        });
    });
    health = new EngineHealth(hanging, rules);
    health.start();
    await asked;
    await health.stop();
    expect(health.isFit).toBe(false);
  });
});
