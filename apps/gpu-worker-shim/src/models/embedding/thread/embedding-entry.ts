import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import type {
  EmbeddingStep,
  EmbeddingStepAnswer,
  EmbeddingThreadFacts,
  EmbeddingThreadSettings,
} from './embedding-protocol.js';
import { EncoderGraph } from './encoder-graph.js';
import { TextTokenizer } from './text-tokenizer.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: EmbeddingThreadSettings = workerData;

async function openTokenizer(): Promise<TextTokenizer> {
  const { tokenizerFile, tokenizerConfigFile, lowerCase } = settings;
  const readJson = async (file: string) =>
    z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(file, 'utf8')));
  const [tokenizer, config] = [await readJson(tokenizerFile), await readJson(tokenizerConfigFile)];
  try {
    return new TextTokenizer(tokenizer, config, lowerCase);
  } catch (error) {
    throw new Error(`${tokenizerFile}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

await serveCalls<EmbeddingStep, EmbeddingStepAnswer, EmbeddingThreadFacts>(parentPort, async () => {
  const tokenizer = await openTokenizer();
  const graph = await EncoderGraph.open(settings);
  const isBatchInvariant = await graph.isBatchInvariant().catch((error: unknown) => {
    throw new Error(`${settings.graphFile}: ${error instanceof Error ? error.message : String(error)}`);
  });
  const answer = async (step: EmbeddingStep): Promise<EmbeddingStepAnswer> => {
    if (step.step === 'encode') return { ids: [], vectors: await graph.encode(step.rows) };
    const { texts, addSpecialTokens, cut } = step;
    return { ids: texts.map((text) => tokenizer.encode(text, addSpecialTokens, cut)), vectors: [] };
  };
  return {
    facts: {
      dimensions: graph.dimensions,
      longestToken: tokenizer.longestToken,
      specialTokens: tokenizer.specialTokens,
      isBatchInvariant,
    },
    answer,
    transfer: ({ ids, vectors }) => [...ids, ...vectors].map((array) => array.buffer),
    close: () => graph.close(),
  };
});
