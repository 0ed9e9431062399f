import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { MergedDecoder } from '../decoder/merged-decoder.js';
import { testDecoder } from '../decoder/self-test.js';
import { readTokenBytes, tokenizerFileSchema } from '../text/token-text.js';
import type { DecoderThreadSettings } from './decoder-protocol.js';
import { serveDecoder } from './serve-decoder.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: DecoderThreadSettings = workerData;

await serveDecoder(parentPort, async () => {
  const text = await readFile(settings.tokenizerFile, 'utf8');
  const tokens = readTokenBytes(tokenizerFileSchema.parse(JSON.parse(text)));
  const { embedTokensFile: embedTokens, decoderFile } = settings;
  const decoder = await MergedDecoder.open(
    { decoder: decoderFile, ...(embedTokens !== undefined && { embedTokens }) },
    settings,
  );
  const batching = await testDecoder(decoder).catch((error: unknown) => {
    throw new Error(`${decoderFile}: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (batching !== true) {
    process.emitWarning(`${decoderFile}: sequences run one after the other, because ${batching}`);
  }
  const { vocabularySize, hiddenSize, kvCacheTokens, bytesPerToken } = decoder;
  return {
    decoder,
    tokens,
    scheduling: settings,
    facts: { vocabularySize, hiddenSize, kvCacheTokens, bytesPerToken, batching },
  };
});
