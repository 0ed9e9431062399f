import { beforeEach, describe, expect, it } from '@jest/globals';
import { SamplerScratch } from '../../../engine/sampling/sampler.js';
import { IncrementalText, type TokenBytes } from '../../../engine/text/token-text.js';
import type { WritingRules } from './window-answer.js';
import type { EncodedSound, WindowRow, WindowRows } from './window-rows.js';
import { WindowScheduler, type WindowTick } from './window-scheduler.js';
import type { WindowTask } from './window-task.js';

// Words 0 to 4 are the letters a to e; end 5, start 6, no speech 7, no times 8.
const END = 5;
const bytes: TokenBytes = {
  size: 9,
  bytesOf: (id) => (id < 5 ? Uint8Array.of(97 + id) : undefined),
  isSpecial: (id) => id > 4,
  longest: 1,
};
const rules: WritingRules = {
  tokens: {
    ...{ start: 6, end: END, noTimestamps: 8, startOfPrevious: undefined },
    ...{ languages: new Map(), transcribe: undefined },
    ...{ suppressed: [6, 7, 8], suppressedFirst: [], maxInitialTimestamp: undefined },
  },
  text: {
    noSpeech: 7,
    encode: () => [],
    decode: (ids) => ids.map((id) => 'abcde'[id]).join(''),
    incremental: () => new IncrementalText(bytes, true),
  },
  maxModelLen: 100,
  scratch: new SamplerScratch(9),
};

/** What a window's graph says: its tokens, how much likelier than the others, and how likely nobody speaks. */
interface Script {
  readonly ids: readonly number[];
  readonly lead?: number;
  readonly noSpeech?: number;
  readonly fails?: boolean;
}

interface FakeRow extends WindowRow {
  length: number;
  readonly script: Script;
}

const PROMPT = 2;

/** Rows that say what their script has for their length. */
class ScriptedRows implements Pick<WindowRows, 'look' | 'begin' | 'step' | 'rewind' | 'release'> {
  readonly batches: number[] = [];
  readonly open = new Set<WindowRow>();
  rewinds = 0;
  duringStep: () => void = () => undefined;
  private readonly scripts: Script[] = [];

  /** The next window that begins has it. */
  script(script: Script): void {
    this.scripts.push(script);
  }

  async look(): Promise<never> {
    throw new Error('No language is to be found out.');
  }

  async begin() {
    const script = this.scripts.shift() ?? { ids: [] };
    const row: FakeRow = { length: PROMPT, script };
    this.open.add(row);
    const { noSpeech = -9 } = script;
    const logits = (place: number) => (place === 0 ? one(7, noSpeech) : this.logitsOf(row));
    return { row, logits };
  }

  async step(steps: readonly { readonly row: WindowRow; readonly token: number }[]) {
    const rows = steps.map(({ row }) => row as FakeRow);
    expect(new Set(rows.map(({ length }) => length)).size).toBe(1);
    this.batches.push(rows.length);
    this.duringStep();
    if (rows.some(({ script }) => script.fails)) throw new Error('no memory');
    return rows.map((row) => {
      row.length += 1;
      return this.logitsOf(row);
    });
  }

  rewind(row: WindowRow): void {
    this.rewinds += 1;
    (row as FakeRow).length = PROMPT;
  }

  release(row: WindowRow): void {
    expect(this.open.delete(row)).toBe(true);
  }

  private logitsOf({ length, script: { ids, lead = 9 } }: FakeRow) {
    return one(ids[length - PROMPT] ?? END, lead);
  }
}

const one = (id: number, lead: number) => Float32Array.from({ length: 9 }, (_, at) => (at === id ? lead : 0));
const sound: EncodedSound = { values: new Float32Array(), places: 0, size: 0 };
const task = (id: number, more: Partial<WindowTask> = {}): WindowTask => ({
  ...{ id, sound, durationS: 1, language: 'en', prompt: '', timestamps: false, maxTokens: undefined },
  ...{ sampling: { temperature: 0 }, retriesDoubtful: false, canSeek: false },
  ...more,
});
const letters = (count: number) => Array.from({ length: count }, (_, at) => at % 5);

let rows: ScriptedRows;
let scheduler: WindowScheduler;
beforeEach(() => {
  rows = new ScriptedRows();
  scheduler = new WindowScheduler(rows, rules, 4);
});

async function run(): Promise<WindowTick[]> {
  const ticks: WindowTick[] = [];
  while (scheduler.hasWork) ticks.push(await scheduler.tick());
  return ticks;
}
const textOf = (ticks: readonly WindowTick[], id: number) =>
  ticks.flatMap(({ pieces }) => pieces.filter((piece) => piece.id === id).map(({ text }) => text)).join('');
const endsOf = (ticks: readonly WindowTick[]) =>
  ticks.flatMap(({ pieces }) => pieces.flatMap(({ id, end }) => (end === undefined ? [] : [id])));

describe('windows that are written together', () => {
  it('step together once they are equally long, and each has its own text', async () => {
    for (const id of [1, 2, 3]) {
      rows.script({ ids: letters(10 + id) });
      scheduler.add(task(id));
    }
    const ticks = await run();
    for (const id of [1, 2, 3]) expect(textOf(ticks, id)).toBe('abcdeabcdeabcde'.slice(0, 10 + id));
    expect(endsOf(ticks)).toEqual([1, 2, 3]);
    // Two steps are taken before all have begun; from then on it is three at a time.
    expect(rows.batches.filter((size) => size === 3).length).toBeGreaterThanOrEqual(8);
    expect(rows.open.size).toBe(0);
    expect(ticks.at(-1)).toMatchObject({ running: 0, stepTokens: rows.batches.reduce((a, b) => a + b, 0) });
  });

  it('let one that comes late catch up, but do not wait for long', async () => {
    rows.script({ ids: letters(60) });
    scheduler.add(task(1));
    for (let step = 0; step < 30; step += 1) await scheduler.tick();
    rows.script({ ids: letters(60) });
    scheduler.add(task(2));
    const lengths: number[] = [];
    while (scheduler.hasWork) {
      const { pieces } = await scheduler.tick();
      lengths.push(...pieces.filter(({ id }) => id === 1).map(() => rows.batches.length));
    }
    const waits = lengths.slice(1).map((at, index) => at - lengths[index]!);
    expect(Math.max(...waits)).toBeLessThanOrEqual(9);
    expect(rows.batches.filter((size) => size === 2).length).toBeGreaterThan(20);
  });

  it('are as many as have places; the others wait', async () => {
    for (let id = 0; id < 9; id += 1) {
      rows.script({ ids: letters(12) });
      scheduler.add(task(id));
    }
    const ticks = await run();
    expect(Math.max(...ticks.map(({ running }) => running))).toBe(4);
    expect(new Set(endsOf(ticks)).size).toBe(9);
  });

  it('go on without one that is cancelled, also in the middle of a step', async () => {
    for (const id of [1, 2, 3]) {
      rows.script({ ids: letters(50) });
      scheduler.add(task(id));
    }
    await scheduler.tick();
    scheduler.cancel(3);
    for (let turn = 0; turn < 6; turn += 1) await scheduler.tick();
    rows.duringStep = () => scheduler.cancel(1);
    const { pieces } = await scheduler.tick();
    expect(pieces.map(({ id }) => id)).not.toContain(1);
    expect(rows.open.size).toBe(1);
    rows.duringStep = () => undefined;
    expect(endsOf(await run())).toEqual([2]);
    expect(rows.open.size).toBe(0);
  });

  it('go on without one that fails', async () => {
    rows.script({ ids: letters(20) });
    rows.script({ ids: letters(20), fails: true });
    scheduler.add(task(1));
    scheduler.add(task(2));
    const ticks = await run();
    expect(endsOf(ticks)).toEqual([1]);
    expect(ticks.flatMap(({ failures }) => failures)).toMatchObject([{ id: 2, error: { code: 'INTERNAL' } }]);
    expect(rows.open.size).toBe(0);
  });
});

describe('a window', () => {
  async function write(script: Script, more: Partial<WindowTask> = {}) {
    rows.script(script);
    scheduler.add(task(1, more));
    const ticks = await run();
    return ticks.flatMap(({ pieces }) => pieces);
  }

  it('tells its text token by token', async () => {
    const pieces = await write({ ids: letters(7) });
    expect(pieces.map(({ text }) => text)).toEqual(['', 'a', 'b', 'c', 'd', 'e', 'a', 'b', '']);
    expect(pieces[0]).toMatchObject({ language: 'en', promptTokens: 2, tokens: 0 });
    expect(pieces.at(-1)?.end).toEqual({ finishReason: 'stop', segments: [], seekS: undefined });
  });

  it('ends with the context or where it was asked to', async () => {
    const count = (pieces: Awaited<ReturnType<typeof write>>) =>
      pieces.reduce((sum, { tokens }) => sum + tokens, 0);
    const long = await write({ ids: letters(200) });
    expect([count(long), long.at(-1)?.end?.finishReason]).toEqual([98, 'length']);
    expect(count(await write({ ids: letters(200) }, { maxTokens: 3 }))).toBe(3);
  });

  it('of doubtful text is written again, with more chance each time, and only the last text is told', async () => {
    // No token is likelier than exp(0.5) to 1.
    const pieces = await write({ ids: letters(7), lead: 0.5 }, { retriesDoubtful: true, maxTokens: 30 });
    expect(rows.rewinds).toBe(5);
    expect(pieces.filter(({ text }) => text !== '').length).toBeLessThanOrEqual(1);
    const again = await write({ ids: letters(7), lead: 0.5 }, { retriesDoubtful: true, maxTokens: 30 });
    expect(again).toEqual(pieces);
  });

  it('of text that is not doubtful is written once', async () => {
    const pieces = await write({ ids: letters(7) }, { retriesDoubtful: true });
    expect(rows.rewinds).toBe(0);
    expect(pieces.map(({ text, tokens }) => [text, tokens])).toEqual([
      ['', 0],
      ['abcdeab', 7],
    ]);
  });

  it('is drawn with the temperature that was asked for, the same for the same seed', async () => {
    const draw = async (seed: number) =>
      (await write({ ids: letters(20), lead: 1 }, { sampling: { temperature: 1, seed }, maxTokens: 20 }))
        .map(({ text }) => text)
        .join('');
    expect(await draw(1)).toBe(await draw(1));
    expect(new Set([await draw(1), await draw(2), await draw(3)]).size).toBeGreaterThan(1);
  });

  it('gives no text where nobody seems to speak and the text is unlikely, and gives it late where it is likely', async () => {
    const texts = (pieces: Awaited<ReturnType<typeof write>>) => pieces.map(({ text }) => text);
    expect(texts(await write({ ids: letters(7), lead: 0.5, noSpeech: 20 })).join('')).toBe('');
    expect(texts(await write({ ids: letters(7), noSpeech: 20 }))).toEqual(['', 'abcdeab']);
  });
});
