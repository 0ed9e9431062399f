import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { readTokenBytes, tokenizerFileSchema } from '../../engine/text/token-text.js';
import { serveCalls } from '../../engine/threads/serve-calls.js';
import { Idefics3Prompt, type PromptRequest } from './prompt/idefics3-prompt.js';
import type { PromptThreadFacts, PromptThreadSettings } from './thread-settings.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: PromptThreadSettings = workerData;

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));

await serveCalls<PromptRequest, Int32Array<ArrayBuffer>, PromptThreadFacts>(parentPort, async () => {
  const tokenizer = tokenizerFileSchema.parse(await readJson(settings.tokenizerFile));
  const tokenizerConfig = z
    .record(z.string(), z.unknown())
    .parse(await readJson(settings.tokenizerConfigFile));
  try {
    const prompt = new Idefics3Prompt({ ...settings, tokenizer, tokenizerConfig });
    return {
      facts: { longestTokenBytes: readTokenBytes(tokenizer).longest },
      answer: async (request) => prompt.encode(request),
      transfer: (ids) => [ids.buffer],
      close: async () => undefined,
    };
  } catch (error) {
    throw new Error(`${settings.tokenizerFile}: ${error instanceof Error ? error.message : String(error)}`);
  }
});
