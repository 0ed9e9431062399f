import { EngineGoneError } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeBackend } from '../fakes/fake-backend.js';
import { createEngine, createServed } from '../fakes/fake-engine.js';
import type { Claim } from './claim.js';
import type { Engine } from './engine.js';
import { EnginePool } from './engine-pool.js';

const never = new AbortController().signal;

/** Looks once per event-loop turn; the runner's own timeout ends a condition that never comes. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('EnginePool', () => {
  let pool: EnginePool;
  let backends: FakeBackend[];
  let requests = 0;

  /** A pool of engines with these text and media slots, all fit. */
  const start = async (...slots: { text?: number; media?: number; tokens?: number }[]): Promise<void> => {
    const served = createServed();
    backends = slots.map(() => new FakeBackend());
    const engines = slots.map(({ tokens, ...lanes }, index) =>
      createEngine({
        name: `${index}`,
        backend: backends[index] as FakeBackend,
        served,
        slots: lanes,
        ...(tokens === undefined ? {} : { tokenBudget: tokens }),
      }),
    );
    pool = new EnginePool(engines);
    pool.start();
    await until(() => engines.every(({ isFit }) => isFit));
  };
  afterEach(() => pool.stop());

  const claim = (lane: 'text' | 'media' = 'text', requestId = `request-${requests++}`, tokens = 0): Claim =>
    pool.claim({ requestId, lane, tokens });
  const weigh = (lane: 'text' | 'media', tokens: number): Claim => claim(lane, undefined, tokens);
  const nameOf = async (waiting: Claim): Promise<string> => (await waiting.place(never)).engine.name;
  const falls = async (index: number): Promise<void> => {
    backends[index]!.problem = new Error('gone');
    await until(() => !pool.engines[index]!.isFit);
  };

  it('gives the place on the engine with the smaller part of its slots in use, for each lane apart', async () => {
    await start({ text: 4, media: 1 }, { text: 2, media: 1 });
    const names = [
      await nameOf(claim()),
      await nameOf(claim()),
      await nameOf(claim()),
      await nameOf(claim()),
    ];
    expect(names).toEqual(['0', '1', '0', '0']);
    expect([await nameOf(claim('media')), await nameOf(claim('media'))]).toEqual(['0', '1']);
  });

  it('has room while an engine has a slot and nobody stands in line for it', async () => {
    await start({ text: 1, media: 1 });
    expect(pool.hasRoom('text')).toBe(true);
    const first = claim();
    expect(pool.hasRoom('text')).toBe(false);
    expect(pool.hasRoom('media')).toBe(true);
    const second = claim();
    expect(pool.waiting('text')).toBe(1);
    first.release();
    expect(await nameOf(second)).toBe('0');
    expect(pool.hasRoom('text')).toBe(false);
    second.release();
    second.release();
    expect(await pool.untilRoom('text', never)).toBe(true);
    expect(pool.hasRoom('embed')).toBe(false);
  });

  it('serves the line of a lane in order', async () => {
    await start({ text: 1 });
    const first = claim();
    const order: string[] = [];
    const second = claim();
    const third = claim();
    const done = [second, third].map((waiting, index) =>
      waiting.place(never).then(() => order.push(`${index + 2}`)),
    );
    first.release();
    await done[0];
    second.release();
    await Promise.all(done);
    expect(order).toEqual(['2', '3']);
  });

  it('lets one who leaves the line be passed', async () => {
    await start({ text: 1 });
    const first = claim();
    const leaving = new AbortController();
    const second = claim();
    const third = claim();
    const waiting = second.place(leaving.signal);
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    first.release();
    expect(await nameOf(third)).toBe('0');
  });

  it('uses the engines that are left, and tells who waits when none is', async () => {
    await start({ text: 1 }, { text: 1 });
    await falls(0);
    expect(pool.isFit).toBe(true);
    expect(await nameOf(claim())).toBe('1');
    const waiting = claim();
    const refused = expect(waiting.place(never)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    await falls(1);
    await refused;
    expect(pool.problem).toBe('none is fit');
    expect(pool.hasRoom('text')).toBe(false);
    await expect(claim().place(never)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    backends[0]!.problem = undefined;
    expect(await pool.untilRoom('text', never)).toBe(true);
  });

  it('tells each change of its fitness once, and only when the last engine falls', async () => {
    await start({ text: 1 }, { text: 1 });
    const changes: boolean[] = [];
    pool.onChange((isFit) => changes.push(isFit));
    await falls(0);
    await falls(1);
    backends[1]!.problem = undefined;
    await until(() => pool.isFit);
    expect(changes).toEqual([false, true]);
  });

  it('prefers another engine than the one that failed the job before', async () => {
    await start({ text: 2 }, { text: 2 });
    const [first] = pool.engines as [Engine];
    pool.noteFailure('unlucky', first);
    expect(await nameOf(claim('text', 'unlucky'))).toBe('1');
    await falls(1);
    expect(await nameOf(claim('text', 'unlucky'))).toBe('0');
  });

  it('stands a claim in line again, for another engine if there is one', async () => {
    await start({ text: 1 }, { text: 1 });
    const waiting = claim();
    expect(await nameOf(waiting)).toBe('0');
    waiting.again();
    expect(await nameOf(waiting)).toBe('1');
    waiting.release();
    expect(pool.engines.map(({ gate }) => gate.lanes[0]?.inUse)).toEqual([0, 0]);
  });

  it('leaves out an engine that serves something else', async () => {
    await start({ text: 1 }, { text: 1 });
    await falls(1);
    backends[1]!.engineModels = [{ id: 'tiny-vlm', maxModelLen: 1 }];
    backends[1]!.problem = undefined;
    await until(() => pool.engines[1]!.problem?.includes('max_model_len') === true);
    expect(await nameOf(claim())).toBe('0');
    expect(pool.hasRoom('text')).toBe(false);
    expect(pool.isFit).toBe(true);
  });

  it('gives no work to an engine that cannot say what it serves', async () => {
    await start({ text: 1 });
    await falls(0);
    backends[0]!.engineModels = [];
    backends[0]!.problem = undefined;
    await until(() => pool.engines[0]!.health.isFit);
    expect(pool.engines[0]!.problem).toBe('does not say what it serves');
    backends[0]!.engineModels = [{ id: 'tiny-vlm', maxModelLen: 4096 }];
    expect(await pool.untilRoom('text', never)).toBe(true);
  });

  it('places a job where its tokens fit, and holds one of a lane that fits nowhere', async () => {
    await start({ text: 4, tokens: 100 }, { text: 4, tokens: 100 });
    expect([await nameOf(weigh('text', 90)), await nameOf(weigh('text', 50))]).toEqual(['0', '1']);
    expect(await nameOf(weigh('text', 50))).toBe('1');
    const waiting = weigh('text', 20);
    expect(pool.waiting('text')).toBe(1);
    expect(pool.hasRoom('text')).toBe(false);
    const small = weigh('text', 5);
    expect(pool.waiting('text')).toBe(2);
    waiting.release();
    expect(await nameOf(small)).toBe('0');
    expect(pool.hasRoom('text')).toBe(true);
  });

  it('runs a job over the whole budget alone', async () => {
    await start({ text: 4, tokens: 100 });
    const small = weigh('text', 1);
    const large = weigh('text', 5_000);
    expect(pool.waiting('text')).toBe(1);
    small.release();
    expect(await nameOf(large)).toBe('0');
    const next = weigh('text', 1);
    expect(pool.waiting('text')).toBe(1);
    large.release();
    expect(await nameOf(next)).toBe('0');
  });

  it('never stops text for pictures, however many tokens they wait for', async () => {
    await start({ text: 8, media: 8, tokens: 100 });
    for (let picture = 0; picture < 32; picture += 1) weigh('media', 40);
    expect(pool.engines[0]!.gate.lanes.map(({ inUse }) => inUse)).toEqual([0, 1]);
    const texts = [weigh('text', 10), weigh('text', 10)];
    expect(await Promise.all(texts.map(nameOf))).toEqual(['0', '0']);
  });

  it('lets a large job in at last, although smaller ones of another lane go on coming', async () => {
    await start({ text: 8, media: 8, tokens: 100 });
    const texts = Array.from({ length: 7 }, () => weigh('text', 10));
    const large = weigh('media', 75);
    expect(pool.waiting('media')).toBe(1);
    // Each text that ends is followed by another one; beyond the lane's own part they wait behind the picture.
    for (const text of texts) {
      text.release();
      weigh('text', 10);
    }
    expect(await nameOf(large)).toBe('0');
    expect(pool.engines[0]!.gate.tokens.inUse).toBe(95);
  });

  it('gives nothing to an engine that has too much to do', async () => {
    await start({ text: 2 }, { text: 2 });
    backends[0]!.engineLoad = { waiting: 5 };
    const first = claim();
    await until(() => pool.engines[0]!.gate.brake.load);
    expect([await nameOf(claim()), await nameOf(claim())]).toEqual(['1', '1']);
    expect(pool.hasRoom('text')).toBe(false);
    const waiting = claim();
    first.release();
    backends[0]!.engineLoad = { waiting: 0 };
    expect(await nameOf(waiting)).toBe('0');
  });

  it('has a job that was turned away wait for another moment, before those that came later', async () => {
    await start({ text: 1 });
    const early = claim();
    const late = claim();
    const place = await early.place(never);
    place.refused(undefined);
    early.again();
    expect(pool.waiting('text')).toBe(2);
    expect(await nameOf(early)).toBe('0');
    expect(pool.waiting('text')).toBe(1);
    early.release();
    expect(await nameOf(late)).toBe('0');
  });

  it('knows how many tokens an engine may hold from its own figures', async () => {
    await start({ text: 1 });
    expect(pool.engines[0]!.gate.tokens.total).toBe(4_096);
    await falls(0);
    backends[0]!.engineLoad = { kvCacheTokens: 12_345 };
    backends[0]!.problem = undefined;
    await until(() => pool.isFit);
    expect(pool.engines[0]!.gate.tokens.total).toBe(12_345);
  });

  describe('with suspects', () => {
    const suspect = (lane: 'text' | 'media' = 'text'): Claim => {
      const claimed = claim(lane);
      claimed.suspect();
      return claimed;
    };

    it('gives each engine one suspect, and others beside it', async () => {
      await start({ text: 4 }, { text: 4 });
      const [first, second, third] = [suspect(), suspect(), suspect()];
      expect([await nameOf(first), await nameOf(second)].sort()).toEqual(['0', '1']);
      expect(pool.waiting('text')).toBe(1);
      await Promise.all([nameOf(claim()), nameOf(claim())]);
      first.release();
      expect(await nameOf(third)).toBe(await nameOf(first));
    });

    it('gives a suspect no engine beside one of another lane', async () => {
      await start({ text: 1, media: 1 });
      const first = suspect('media');
      suspect('text');
      expect(pool.waiting('text')).toBe(1);
      first.release();
      expect(pool.waiting('text')).toBe(0);
    });

    it('takes back the place of a job that turns out to be one beside another, and keeps its turn', async () => {
      await start({ text: 2 });
      const first = suspect();
      const second = claim();
      expect(pool.hasRoom('text')).toBe(false);
      second.suspect();
      expect(pool.waiting('text')).toBe(1);
      const later = suspect();
      expect(pool.hasRoom('text')).toBe(false);
      first.release();
      expect(await nameOf(second)).toBe('0');
      expect(pool.waiting('text')).toBe(1);
      later.release();
    });

    it('has room for others while suspects wait for each other, until they are as many as slots', async () => {
      await start({ text: 3 });
      suspect();
      suspect();
      suspect();
      expect(pool.waiting('text')).toBe(2);
      expect(pool.hasRoom('text')).toBe(true);
      suspect();
      expect(pool.hasRoom('text')).toBe(false);
      expect(await nameOf(claim())).toBe('0');
    });

    it('refuses suspects that wait when no engine is left', async () => {
      await start({ text: 2 });
      suspect();
      const refused = expect(suspect().place(never)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
      await falls(0);
      await refused;
    });
  });

  describe('with an engine that fails what it is given', () => {
    const run = async (): Promise<void> => {
      const claimed = claim();
      const place = await claimed.place(never);
      const { requestId } = claimed.request;
      const running = place.begin({ requestId, fingerprint: requestId, onStall: () => undefined });
      await running.failed(new FoveaError('BACKEND_ERROR'));
      claimed.release();
    };

    it('leaves it alone, tries it with one job, and uses it again', async () => {
      const breaker = { failuresUntilOpen: 2, minPauseMs: 1, maxPauseMs: 1 };
      pool = new EnginePool([createEngine({ slots: { text: 4 }, breaker })]);
      pool.start();
      await pool.untilRoom('text', never);
      await run();
      expect(pool.isFit).toBe(true);
      await run();
      expect(pool.problem).toBe('fails requests: the circuit breaker is open');
      await pool.untilRoom('text', never);
      const trial = claim();
      expect(pool.isFit).toBe(true);
      expect(pool.hasRoom('text')).toBe(false);
      expect(pool.engines[0]?.condition).toBe('breaker-half-open');
      const place = await trial.place(never);
      place.begin({ requestId: 'a', fingerprint: 'a', onStall: () => undefined }).succeeded();
      expect(pool.hasRoom('text')).toBe(true);
      expect(pool.engines[0]?.condition).toBe('fit');
    });
  });

  it('gives nothing to an engine that died, before its health check says so', async () => {
    await start({ text: 4 }, { text: 4 });
    const first = claim();
    const { engine, begin } = await first.place(never);
    const cause = new EngineGoneError('nobody listens');
    const dying = begin({ requestId: 'a', fingerprint: 'a', onStall: () => undefined });
    const failed = dying.failed(new FoveaError('BACKEND_ERROR', { cause }));
    expect(engine.problem).toBe('its process died');
    expect(await nameOf(claim())).not.toBe(engine.name);
    // It was a false alarm: the health check that is made at once is good.
    expect(await failed).toBe('died');
    expect(engine.isFit).toBe(true);
  });

  it('aborts what runs on an engine that hangs, and uses it again when it lives', async () => {
    const backend = new FakeBackend();
    backend.engineLoad = { running: 1, waiting: 0, generatedTokens: 5 };
    const stalls: number[] = [];
    const onStall = (_silentMs: number, runs: number): number => stalls.push(runs);
    pool = new EnginePool([createEngine({ backend, slots: { text: 4 }, stallMs: 20, events: { onStall } })]);
    pool.start();
    await pool.untilRoom('text', never);
    const claimed = claim();
    const place = await claimed.place(never);
    await new Promise<void>((resolve) =>
      place.begin({ requestId: 'a', fingerprint: 'a', onStall: resolve }),
    ).then(() => claimed.release());
    expect(stalls).toEqual([1]);
    expect(pool.problem).toBe('makes no progress');
    backend.engineLoad = { running: 0, waiting: 0, generatedTokens: 5 };
    await pool.untilRoom('text', never);
    expect(pool.isFit).toBe(true);
  });
});
