import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { MergedDecoder } from '../decoder/merged-decoder.js';
import { readTokenBytes, tokenizerFileSchema } from '../text/token-text.js';
import type { DecoderThreadSettings } from './decoder-protocol.js';
import { serveDecoder } from './serve-decoder.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: DecoderThreadSettings = workerData;

await serveDecoder(parentPort, async () => {
  const text = await readFile(settings.tokenizerFile, 'utf8');
  const tokens = readTokenBytes(tokenizerFileSchema.parse(JSON.parse(text)));
  const decoder = await MergedDecoder.open(
    { embedTokens: settings.embedTokensFile, decoder: settings.decoderFile },
    settings,
  );
  return { decoder, tokens, maxRunning: settings.maxRunning };
});
