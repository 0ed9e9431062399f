import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CircuitBreaker } from './circuit-breaker.js';

const rules = { failuresUntilOpen: 3, windowMs: 10_000, minPauseMs: 1_000, maxPauseMs: 4_000 };

describe('CircuitBreaker', () => {
  let breaker: CircuitBreaker;
  let states: string[];
  let random: number;

  beforeEach(() => {
    jest.useFakeTimers();
    states = [];
    random = 0;
    breaker = new CircuitBreaker(
      rules,
      (state) => states.push(state),
      () => random,
    );
  });
  afterEach(() => {
    breaker.stop();
    jest.useRealTimers();
  });

  const fail = (...fingerprints: string[]): void => {
    for (const each of fingerprints) breaker.enter().fail(each);
  };

  it('opens after a row of different requests that failed', () => {
    fail('a', 'b');
    expect(breaker.admits).toBe(true);
    fail('c');
    expect(breaker.state).toBe('open');
    expect(breaker.admits).toBe(false);
  });

  it('stays closed for one request that fails again and again', () => {
    fail('a', 'a', 'a', 'a', 'b', 'b');
    expect(breaker.state).toBe('closed');
  });

  it('begins the row anew with a success, and not with a job that says nothing', () => {
    fail('a', 'b');
    breaker.enter().leave();
    breaker.enter().succeed();
    fail('c', 'd');
    breaker.enter().leave();
    expect(breaker.state).toBe('closed');
    fail('e');
    expect(breaker.state).toBe('open');
  });

  it('forgets failures that are too long ago', () => {
    fail('a', 'b');
    jest.advanceTimersByTime(10_001);
    fail('c', 'd');
    expect(breaker.state).toBe('closed');
  });

  it('lets one job through after the pause, and closes when it ends well', () => {
    fail('a', 'b', 'c');
    jest.advanceTimersByTime(1_000);
    expect(breaker.state).toBe('half-open');
    const trial = breaker.enter();
    expect(breaker.admits).toBe(false);
    trial.succeed();
    expect(breaker.admits).toBe(true);
    expect(states).toEqual(['open', 'half-open', 'closed']);
    fail('d', 'e');
    expect(breaker.state).toBe('closed');
  });

  it('lets the next one through when the trial says nothing', () => {
    fail('a', 'b', 'c');
    jest.advanceTimersByTime(1_000);
    breaker.enter().leave();
    expect(breaker.admits).toBe(true);
    breaker.enter();
    expect(breaker.admits).toBe(false);
  });

  it('pauses twice as long after each trial that failed, up to a bound, and short again after a success', () => {
    fail('a', 'b', 'c');
    for (const pauseMs of [1_000, 2_000, 4_000, 4_000]) {
      jest.advanceTimersByTime(pauseMs - 1);
      expect(breaker.state).toBe('open');
      jest.advanceTimersByTime(1);
      expect(breaker.state).toBe('half-open');
      breaker.enter().fail('d');
    }
    jest.advanceTimersByTime(4_000);
    breaker.enter().succeed();
    breaker.trip();
    jest.advanceTimersByTime(1_000);
    expect(breaker.state).toBe('half-open');
  });

  it('is tried at once when the engine was away and is back', () => {
    breaker.retry();
    expect(breaker.state).toBe('closed');
    breaker.trip();
    breaker.retry();
    expect(breaker.state).toBe('half-open');
    breaker.enter();
    breaker.retry();
    expect(breaker.admits).toBe(false);
  });

  it('pauses up to a quarter longer', () => {
    random = 1;
    breaker.trip();
    jest.advanceTimersByTime(1_249);
    expect(breaker.state).toBe('open');
    jest.advanceTimersByTime(1);
    expect(breaker.state).toBe('half-open');
  });

  it('hears nothing from jobs that entered before it opened', () => {
    const early = breaker.enter();
    const late = breaker.enter();
    fail('a', 'b', 'c');
    early.succeed();
    expect(breaker.state).toBe('open');
    jest.advanceTimersByTime(1_000);
    breaker.enter();
    late.fail('d');
    expect(breaker.state).toBe('half-open');
    expect(breaker.admits).toBe(false);
  });

  it('counts one verdict for each job', () => {
    const pass = breaker.enter();
    for (const each of ['a', 'b', 'c']) pass.fail(each);
    expect(breaker.state).toBe('closed');
  });
});
