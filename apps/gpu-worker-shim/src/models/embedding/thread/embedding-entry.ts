import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import { readModelFile } from '../../model-folder.js';
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

const json = z.record(z.string(), z.unknown());

async function openTokenizer(): Promise<TextTokenizer> {
  const { folder, lowerCase } = settings;
  const tokenizer = await readModelFile(folder, 'tokenizer.json', json);
  const config = await readModelFile(folder, 'tokenizer_config.json', json);
  try {
    return new TextTokenizer(tokenizer, config, lowerCase);
  } catch (error) {
    throw new Error(`${folder}/tokenizer.json: ${error instanceof Error ? error.message : String(error)}`);
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
