import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWhisperFolder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readWhisperFolder } from '../whisper-folder.js';
import type { WindowTask } from './window-task.js';
import { WindowThread } from './window-thread.js';

// A real graph with random weights in a real thread, which runs from dist: build before.
let root: string;
let thread: WindowThread;
const places = 200;
const size = 32;
const soundOf = (seed: number) => ({
  values: Float32Array.from({ length: places * size }, (_, at) => Math.sin(at * (1 + seed / 7))),
  places,
  size,
});
const never = new AbortController().signal;
setMaxListeners(0, never);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fovea-windows-'));
  await writeWhisperFolder(root, {});
  const { decoderFile, tokens, maxModelLen } = await readWhisperFolder(root, []);
  const started = await WindowThread.start({
    ...{ folder: root, decoderFile, tokens, maxModelLen, silence: soundOf(0) },
    ...{ executionProviders: ['cpu'], threads: 1, maxRunning: 8, kvCacheBytes: 2 ** 28 },
  });
  expect(started.facts.maxRows).toBe(8);
  thread = started.thread;
});
afterAll(async () => {
  await thread.close();
  await rm(root, { recursive: true });
});

/** Windows of many kinds: prompts of other lengths, times, languages to be found out, chance. */
const task = (seed: number): Omit<WindowTask, 'id'> => ({
  ...{ sound: soundOf(seed), durationS: 4, language: seed % 3 === 0 ? undefined : 'en' },
  ...{ prompt: 'word '.repeat(seed % 4), timestamps: seed % 2 === 0, maxTokens: 20 + ((seed * 7) % 40) },
  ...{
    sampling: { temperature: seed % 5 === 0 ? 1 : 0, seed },
    retriesDoubtful: seed % 4 === 0,
    canSeek: false,
  },
});

async function write(seed: number, signal = never): Promise<string> {
  const pieces = [];
  for await (const piece of thread.write(task(seed), signal)) pieces.push(piece);
  return JSON.stringify(pieces);
}
const seeds = Array.from({ length: 24 }, (_, at) => at + 1);

describe('a thread that writes windows', () => {
  it('gives each window the text it has alone, whoever joins and leaves', async () => {
    const alone: string[] = [];
    for (const seed of seeds) alone.push(await write(seed));
    const before = thread.load;
    expect(await Promise.all(seeds.map((seed) => write(seed)))).toEqual(alone);
    const { steps, stepTokens } = thread.load;
    // Prompts of many lengths, windows that begin again: it takes time until they are equally long.
    expect((stepTokens - before.stepTokens) / (steps - before.steps)).toBeGreaterThan(1.5);
  });

  it('goes on for the others when some leave', async () => {
    const alone = await write(2);
    const leaving = new AbortController();
    const gone = seeds
      .slice(3, 9)
      .map((seed) => write(seed, leaving.signal).catch((error: Error) => error.message));
    const staying = write(2);
    leaving.abort(new Error('gone'));
    expect(await Promise.all(gone)).toEqual(gone.map(() => 'gone'));
    expect(await staying).toBe(alone);
    await write(1);
    expect(thread.load.running).toBe(0);
  });
});
