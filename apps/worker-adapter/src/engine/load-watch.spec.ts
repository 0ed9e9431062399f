import type { EngineLoad } from '@fovea/backends';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeBackend } from '../fakes/fake-backend.js';
import { LoadWatch } from './load-watch.js';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('LoadWatch', () => {
  const told: string[] = [];
  let isNeeded = true;
  let backend: FakeBackend;
  let watch: LoadWatch;

  const create = (load: (signal: AbortSignal) => Promise<EngineLoad>): void => {
    told.length = 0;
    isNeeded = true;
    backend = new FakeBackend();
    backend.load = load as typeof backend.load;
    watch = new LoadWatch(backend, {
      intervalMs: 1,
      isNeeded: () => isNeeded,
      onPoll: () => {
        const about = told.length;
        return ({ running }) => told.push(`${running} asked at ${about}`);
      },
      onMiss: () => told.push('miss'),
      onRest: () => told.push('rest'),
    });
  };
  afterEach(() => watch.stop());

  it('asks nothing before it is woken, then until it is not needed, and again', async () => {
    let polls = 0;
    create(() => Promise.resolve({ running: ++polls }));
    await until(() => true);
    expect(polls).toBe(0);
    watch.wake();
    watch.wake();
    await until(() => polls === 3);
    isNeeded = false;
    await until(() => told.at(-1) === 'rest');
    expect(told.slice(0, 3)).toEqual(['1 asked at 0', '2 asked at 1', '3 asked at 2']);
    watch.wake();
    isNeeded = true;
    watch.wake();
    await until(() => told.at(-1)?.startsWith('4') === true);
  });

  it('tells of a poll that failed, and goes on', async () => {
    let polls = 0;
    create(() => {
      polls += 1;
      return polls === 1 ? Promise.reject(new Error('ECONNRESET')) : Promise.resolve({ running: polls });
    });
    watch.wake();
    await until(() => told.length >= 2);
    expect(told.slice(0, 2)).toEqual(['miss', '2 asked at 1']);
  });

  it('gives up a poll that hangs', async () => {
    create(
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    );
    watch.wake();
    await until(() => told.length >= 2);
    expect(told.slice(0, 2)).toEqual(['miss', 'miss']);
  });

  it('stops while a poll hangs, and asks nothing after that', async () => {
    let polls = 0;
    create((signal) => {
      polls += 1;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    });
    watch.wake();
    await until(() => polls === 1);
    await watch.stop();
    const before = polls;
    watch.wake();
    await watch.stop();
    expect(polls).toBe(before);
  });
});
