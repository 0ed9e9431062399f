import { EngineGoneError, type EngineLoad } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FakeQuarantine } from '../../fakes/fake-quarantine.js';
import { DeathWatch } from './death-watch.js';
import { Run } from './run.js';

const reset = new FoveaError('BACKEND_ERROR', { detail: 'ECONNRESET' });
const gone = new FoveaError('BACKEND_ERROR', { cause: new EngineGoneError('nobody listens') });
const pass = { succeed: () => undefined, fail: () => undefined, leave: () => undefined };

describe('DeathWatch', () => {
  let watch: DeathWatch;
  let quarantine: FakeQuarantine;
  let health: FoveaError | undefined;
  let load: EngineLoad;
  let deaths: number[];
  let condemned: string[];
  let revivals: number;
  let errors: unknown[];

  beforeEach(() => {
    quarantine = new FakeQuarantine();
    health = undefined;
    load = { startedAtS: 1, generatedTokens: 5 };
    deaths = [];
    condemned = [];
    revivals = 0;
    errors = [];
    watch = new DeathWatch({
      quarantine,
      recheck: async () => health === undefined,
      healthError: () => health,
      look: async () => load,
      onDeath: (runs) => deaths.push(runs),
      onCondemned: ({ request }) => condemned.push(request.fingerprint),
      onRevival: () => {
        revivals += 1;
      },
      onError: (error) => errors.push(error),
    });
    watch.read(load);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const begin = (fingerprint: string, isSuspect = false): Run => {
    const run = new Run(
      { requestId: fingerprint, fingerprint, onStall: () => undefined },
      {
        isSuspect,
        pass,
        wait: () => () => undefined,
        onAnswer: () => undefined,
        onLeave: (left) => watch.leave(left),
        investigate: (failed, failure) => watch.investigate(failed, failure),
      },
    );
    watch.begin(run);
    return run;
  };

  it.each([
    ['a reset', reset],
    ['a 500', new FoveaError('BACKEND_ERROR', { detail: 'engine answered 500' })],
  ])('takes %s of an engine that lives for no death', async (_what, failure) => {
    expect(await begin('a').failed(failure)).toBe('alive');
    expect(quarantine.calls).toEqual([]);
    expect(watch.isDead).toBe(false);
  });

  it('takes silence on the health check for no death', async () => {
    health = new FoveaError('BACKEND_ERROR', { detail: 'no answer within 5000 ms' });
    expect(await begin('a').failed(reset)).toBe('alive');
    expect(quarantine.calls).toEqual([]);
  });

  it('decides once for all that ran in that moment, whatever each of them saw', async () => {
    health = gone;
    const runs = ['a', 'b', 'c', 'd'].map((each) => begin(each));
    const failures = [reset, gone, reset, new FoveaError('BACKEND_ERROR')];
    const verdicts = await Promise.all(runs.map((run, index) => run.failed(failures[index])));
    expect(verdicts).toEqual(['died', 'died', 'died', 'died']);
    expect(deaths).toEqual([4]);
    expect(quarantine.calls).toEqual(['suspect a b c d']);
  });

  it('suspects those that still run, and gives them the same verdict later', async () => {
    health = gone;
    const late = begin('late');
    await begin('early').failed(reset);
    expect(quarantine.calls).toEqual(['suspect early late']);
    health = undefined;
    watch.revive();
    expect(await late.failed(reset)).toBe('died');
    expect(deaths).toEqual([2]);
  });

  it('charges a death that shows late to what failed a moment before', async () => {
    const run = begin('a');
    expect(await run.failed(reset)).toBe('alive');
    health = gone;
    watch.healthFailed();
    await run.death?.recorded;
    expect(quarantine.calls).toEqual(['suspect a']);
  });

  it('does not charge it to what failed long before', async () => {
    jest.useFakeTimers();
    await begin('a').failed(reset);
    jest.advanceTimersByTime(5_001);
    health = gone;
    watch.healthFailed();
    expect(deaths).toEqual([]);
  });

  it('knows a death by a restart that nobody saw', async () => {
    const run = begin('a');
    load = { startedAtS: 2, generatedTokens: 0 };
    expect(await run.failed(reset)).toBe('died');
    expect(quarantine.calls).toEqual(['suspect a']);
    expect(watch.isDead).toBe(false);
  });

  it('knows it by a restart that shows minutes later', async () => {
    jest.useFakeTimers();
    health = new FoveaError('BACKEND_ERROR', { detail: 'ECONNRESET of a proxy' });
    const run = begin('a');
    expect(await run.failed(reset)).toBe('alive');
    jest.advanceTimersByTime(120_000);
    watch.read({ startedAtS: 2, generatedTokens: 0 });
    await run.death?.recorded;
    expect(quarantine.calls).toEqual(['suspect a']);
  });

  it('does not charge a restart to what began after it', async () => {
    jest.useFakeTimers();
    watch.read({ startedAtS: 2, generatedTokens: 0 });
    load = { startedAtS: 2, generatedTokens: 0 };
    jest.advanceTimersByTime(10);
    expect(await begin('a').failed(reset)).toBe('alive');
    expect(deaths).toEqual([]);
  });

  it('condemns the only suspect, and suspects the others', async () => {
    health = gone;
    const [poison, innocent] = [begin('poison', true), begin('innocent')];
    expect(await Promise.all([poison.failed(reset), innocent.failed(reset)])).toEqual(['condemned', 'died']);
    expect(quarantine.suspicions).toEqual(
      new Map([
        ['poison', 'condemned'],
        ['innocent', 'suspect'],
      ]),
    );
    expect(condemned).toEqual(['poison']);
  });

  it('condemns nobody when it cannot know which of two suspects it was', async () => {
    health = gone;
    const runs = [begin('a', true), begin('b', true)];
    expect(await Promise.all(runs.map((run) => run.failed(reset)))).toEqual(['died', 'died']);
    expect(condemned).toEqual([]);
  });

  it('condemns no suspect that goes on, because its engine did not die', async () => {
    const suspect = begin('suspect', true);
    expect(await begin('refused').failed(gone)).toBe('died');
    suspect.succeeded();
    await suspect.death?.recorded;
    expect(condemned).toEqual([]);
    expect(revivals).toBe(1);
  });

  it('charges nothing to what was sent to an engine that is known to be dead', async () => {
    health = gone;
    await begin('a').failed(reset);
    expect(await begin('late', true).failed(gone)).toBe('died');
    expect(deaths).toEqual([1]);
    expect(quarantine.suspicions.has('late')).toBe(false);
    watch.revive();
    expect(watch.isDead).toBe(false);
  });

  it('goes on without the quarantine', async () => {
    health = gone;
    quarantine.problem = new Error('no Redis');
    expect(await begin('a', true).failed(reset)).toBe('condemned');
    expect(errors).toHaveLength(2);
  });
});
