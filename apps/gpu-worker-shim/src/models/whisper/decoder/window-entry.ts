import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { SamplerScratch } from '../../../engine/sampling/sampler.js';
import { tokenizerFileSchema } from '../../../engine/text/token-text.js';
import { toThreadError } from '../../../engine/threads/thread-error.js';
import { CLOSE, type Opening } from '../../../engine/threads/worker-link.js';
import { readModelFile } from '../../model-folder.js';
import { WhisperText } from '../decoding/whisper-text.js';
import { initialTokens } from '../decoding/whisper-tokens.js';
import type {
  FromWindowThread,
  ToWindowThread,
  WindowThreadFacts,
  WindowThreadSettings,
} from './window-protocol.js';
import { WindowRows } from './window-rows.js';
import { WindowScheduler } from './window-scheduler.js';
import { testWindows } from './window-self-test.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const port = parentPort;
const settings: WindowThreadSettings = workerData;
const tell = (message: Opening<WindowThreadFacts> | FromWindowThread) => port.postMessage(message);

async function openText(): Promise<WhisperText> {
  const { folder } = settings;
  const file = await readModelFile(folder, 'tokenizer.json', tokenizerFileSchema);
  const config = await readModelFile(folder, 'tokenizer_config.json', z.record(z.string(), z.unknown()));
  try {
    return new WhisperText(file, config);
  } catch (error) {
    throw new Error(`${folder}/tokenizer.json: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function open() {
  const text = await openText();
  const { decoderFile, silence, kvCacheBytes, maxRunning, tokens, maxModelLen } = settings;
  const rows = await WindowRows.open(decoderFile, settings, silence);
  const prompt = initialTokens(tokens, [...tokens.languages.keys()][0], false);
  const test = testWindows(rows, silence, prompt, [tokens.end, tokens.start]);
  const { vocabularySize, batching } = await test.catch((error: unknown) => {
    throw new Error(`${decoderFile}: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (batching !== true) {
    process.emitWarning(`${decoderFile}: windows are written one after the other, because ${batching}`);
  }
  const rowBytes = rows.bytesPerRow(maxModelLen);
  const fitting = Math.floor(kvCacheBytes / rowBytes);
  const maxRows = batching === true ? Math.max(1, Math.min(maxRunning, fitting)) : 1;
  const rules = { tokens, text, maxModelLen, scratch: new SamplerScratch(vocabularySize) };
  return { rows, facts: { maxRows, rowBytes }, scheduler: new WindowScheduler(rows, rules, maxRows) };
}

/** Runs the scheduler while there is work; the event loop turns in between, so that a cancel comes before the next step. */
function serve({ rows, facts, scheduler }: Awaited<ReturnType<typeof open>>): void {
  let isClosing = false;
  let running: Promise<void> | undefined;
  let hasNews = false;
  const run = async (): Promise<void> => {
    // A cancel leaves no work, but one more turn tells the new load.
    while ((scheduler.hasWork || hasNews) && !isClosing) {
      hasNews = false;
      const { failures, ...tick } = await scheduler.tick();
      tell({ ...tick, failures: failures.map(({ id, error }) => ({ id, error: toThreadError(error) })) });
      await nextTurn();
    }
    running = undefined;
  };
  port.on('message', (message: ToWindowThread | typeof CLOSE) => {
    if (message === CLOSE) {
      isClosing = true;
      void Promise.resolve(running)
        .then(() => rows.close())
        .finally(() => port.close());
      return;
    }
    if ('cancel' in message) scheduler.cancel(message.cancel);
    else scheduler.add(message.write);
    hasNews = true;
    running ??= run();
  });
  tell({ ready: facts });
}

try {
  serve(await open());
} catch (error) {
  tell({ refused: error instanceof Error ? error.message : String(error) });
  port.close();
}
