import { afterEach, describe, expect, it } from '@jest/globals';
import { EngineGate } from './engine-gate.js';

const never = 1e6;
const slots = new Map([
  ['text', 4],
  ['media', 2],
] as const);
const text = { lane: 'text', tokens: 10 } as const;
const media = { lane: 'media', tokens: 10 } as const;

describe('EngineGate', () => {
  let gate = new EngineGate({ slots });
  const create = (maxLoadAgeMs = never): void => {
    const overload = { growEveryMs: never, minPauseMs: never, maxPauseMs: never };
    gate = new EngineGate({ slots, maxLoadAgeMs, overload });
  };
  afterEach(() => gate.stop());
  const usable = (): string[] => (['text', 'media'] as const).filter((lane) => gate.hasSlot(lane));

  it('has slots for each lane apart, and none for a lane it does not know', () => {
    create();
    gate.enter(media);
    const last = gate.enter(media);
    expect(usable()).toEqual(['text']);
    expect(gate.hasSlot('embed')).toBe(false);
    last.leave();
    last.leave();
    expect(usable()).toEqual(['text', 'media']);
    expect(gate.lanes).toEqual([
      { lane: 'text', inUse: 0, effective: 4, total: 4 },
      { lane: 'media', inUse: 1, effective: 2, total: 2 },
    ]);
  });

  it('admits what its tokens allow', () => {
    create();
    gate.tokenBudget = 100;
    gate.enter({ lane: 'text', tokens: 70 });
    expect(gate.admits({ lane: 'text', tokens: 6 })).toBe(false);
    expect(gate.admits({ lane: 'text', tokens: 5 })).toBe(true);
    expect(gate.admits({ lane: 'text', tokens: 5 }, false)).toBe(false);
    expect(gate.tokens).toEqual({ inUse: 70, total: 100 });
  });

  it('admits nothing while the engine has too much to do, and tells each change', () => {
    create();
    let changes = 0;
    gate.onChange(() => {
      changes += 1;
    });
    gate.readLoad({ waiting: 5 }, new Set());
    expect(usable()).toEqual([]);
    expect(gate.brake).toEqual({ load: true, refusal: false });
    gate.readLoad({ waiting: 0 }, new Set());
    expect(usable()).toEqual(['text', 'media']);
    expect(changes).toBe(2);
  });

  it('keeps the last figures over a poll that failed, until they are too old', () => {
    create();
    gate.readLoad({ waiting: 5 }, new Set());
    gate.missLoad();
    expect(gate.brake.load).toBe(true);
    create(-1);
    gate.readLoad({ waiting: 5 }, new Set());
    gate.missLoad();
    expect(gate.brake.load).toBe(false);
    expect(gate.load).toBeUndefined();
  });

  it('admits nothing right after a refusal, and half of its slots then', () => {
    create();
    gate.refuse(gate.enter(text));
    expect(usable()).toEqual([]);
    expect(gate.brake).toEqual({ load: false, refusal: true });
    expect(gate.lanes.map(({ effective }) => effective)).toEqual([2, 1]);
  });

  it('counts requests that the engine does not know of yet against the media lane', () => {
    create();
    const entries = [gate.enter(text), gate.enter(text), gate.enter(text)];
    const before = new Set(gate.entries);
    gate.readLoad({ running: 1, waiting: 0 }, before);
    expect(usable()).toEqual(['text']);
    gate.readLoad({ running: 1, waiting: 1 }, before);
    expect(usable()).toEqual(['text', 'media']);
    gate.readLoad({ running: 0, waiting: 0 }, before);
    for (const entry of entries) entry.leave();
    expect(usable()).toEqual(['text', 'media']);
  });

  it.each([
    ['have begun to answer', true],
    ['came after it was asked', false],
  ])('hides no requests that %s', (_what, hasAnswered) => {
    create();
    const before = new Set(gate.entries);
    for (const entry of [gate.enter(text), gate.enter(text)]) {
      entry.hasAnswered = hasAnswered;
      if (hasAnswered) before.add(entry);
    }
    gate.readLoad({ running: 0, waiting: 0 }, before);
    expect(usable()).toEqual(['text', 'media']);
  });

  it('hides nothing when the engine does not say what it runs', () => {
    create();
    gate.enter(text);
    gate.enter(text);
    gate.readLoad({ waiting: 0 }, new Set(gate.entries));
    expect(usable()).toEqual(['text', 'media']);
  });
});
