import { FoveaError } from '@fovea/errors';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Deadline } from './deadline.js';

describe('Deadline', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('ends the request when its whole time is up, however lively the engine is', () => {
    const deadline = new Deadline(new AbortController().signal, { totalMs: 100, idleMs: 50 });
    for (let at = 0; at < 99; at += 33) {
      deadline.startIdle();
      jest.advanceTimersByTime(33);
      deadline.stopIdle();
    }
    expect(deadline.signal.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(deadline.signal.reason).toMatchObject({ code: 'TIMEOUT' });
  });

  it('ends the request when the engine is silent, not when the reader is', () => {
    const deadline = new Deadline(new AbortController().signal, { idleMs: 50 });
    jest.advanceTimersByTime(1000);
    deadline.startIdle();
    jest.advanceTimersByTime(49);
    deadline.stopIdle();
    jest.advanceTimersByTime(1000);
    expect(deadline.signal.aborted).toBe(false);
    deadline.startIdle();
    jest.advanceTimersByTime(51);
    expect(deadline.signal.reason).toMatchObject({
      code: 'BACKEND_ERROR',
      detail: expect.stringContaining('50 ms'),
    });
  });

  it('reads what has arrived before it calls the engine silent', () => {
    const deadline = new Deadline(new AbortController().signal, { idleMs: 50 });
    deadline.startIdle();
    // The timer is late because the loop stalled; the piece that was waiting is read in the same turn.
    setTimeout(() => deadline.stopIdle(), 50);
    jest.advanceTimersByTime(60);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('has no bounds when none are set', () => {
    const deadline = new Deadline(new AbortController().signal, {});
    deadline.startIdle();
    jest.advanceTimersByTime(10_000_000);
    expect(deadline.signal.aborted).toBe(false);
  });

  it.each(['before', 'after'])('passes on an abort that came %s it', (when) => {
    const outer = new AbortController();
    if (when === 'before') outer.abort('gone');
    const deadline = new Deadline(outer.signal, {});
    outer.abort('gone');
    expect(deadline.signal.reason).toMatchObject({ code: 'CANCELLED', cause: 'gone' });
  });

  it('keeps a catalogue error that is the reason', () => {
    const reason = new FoveaError('TIMEOUT');
    expect(new Deadline(AbortSignal.abort(reason), {}).signal.reason).toBe(reason);
  });

  it('leaves nothing behind once disposed', () => {
    const outer = new AbortController();
    const deadline = new Deadline(outer.signal, { totalMs: 100, idleMs: 10 });
    deadline.startIdle();
    deadline.dispose();
    expect(jest.getTimerCount()).toBe(0);
    outer.abort();
    expect(deadline.signal.aborted).toBe(false);
  });
});
