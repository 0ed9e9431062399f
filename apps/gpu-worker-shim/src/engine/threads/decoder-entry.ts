import { basename, dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { readModelFile } from '../../models/model-folder.js';
import { MergedDecoder } from '../decoder/merged-decoder.js';
import { testDecoder } from '../decoder/self-test.js';
import { readTokenBytes, type TokenBytes, tokenizerFileSchema } from '../text/token-text.js';
import type { DecoderThreadSettings } from './decoder-protocol.js';
import { serveDecoder } from './serve-decoder.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: DecoderThreadSettings = workerData;

async function readTokens(file: string): Promise<TokenBytes> {
  const content = await readModelFile(dirname(file), basename(file), tokenizerFileSchema);
  try {
    return readTokenBytes(content);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Ids from 0 that prompts may have. Embeddings may be more than logits, since what is never sampled needs none; whether
 * the tokenizer's last one has an embedding is tried.
 */
async function countInputIds(decoder: MergedDecoder, tokens: TokenBytes): Promise<number> {
  const { vocabularySize } = decoder;
  if (tokens.size <= vocabularySize) return vocabularySize;
  return decoder.extend(undefined, { ids: [tokens.size - 1], replaced: [] }).then(
    () => tokens.size,
    () => vocabularySize,
  );
}

await serveDecoder(parentPort, async () => {
  const { embedTokensFile: embedTokens, decoderFile, tokenizerFile } = settings;
  const tokens = await readTokens(tokenizerFile);
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
  const inputIds = await countInputIds(decoder, tokens);
  if (tokens.size > inputIds) {
    process.emitWarning(
      `${tokenizerFile}: has ids up to ${tokens.size - 1}, the graph up to ${inputIds - 1}; prompts with others are refused`,
    );
  }
  const { vocabularySize, hiddenSize, kvCacheTokens, bytesPerToken } = decoder;
  return {
    decoder,
    tokens,
    scheduling: settings,
    facts: { vocabularySize, inputIds, hiddenSize, kvCacheTokens, bytesPerToken, batching },
  };
});
