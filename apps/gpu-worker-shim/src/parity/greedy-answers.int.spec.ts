import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fovea/observability';
import {
  describeIf,
  parityRequests,
  transformersJs,
  transformersJsUrl,
  writeIdefics3Folder,
  writeLlamaFolder,
} from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Shim, startShim } from '../compose.js';
import { readShimConfig } from '../config/shim-variables.js';
import { ChatClient } from '../testing/chat-client.js';
import { askOracle, askServer } from './ask-both.js';
import { mixedRequests } from './mixed-requests.js';
import { TransformersOracle } from './transformers-oracle.js';

// Greedy answers of this server to many requests at once, against those of transformers.js to one at a time, on the same
// files. The HTTP side runs from source, the threads from dist: build before.

/** What is promised of them. One family is asked as many in every run; docs/guides/benchmark.md asks all. */
const PROMISED_REQUESTS = Math.max(200, parityRequests);
const TIMEOUT_MS = 60_000 + 2_000 * PROMISED_REQUESTS;

describeIf(transformersJs, 'greedy answers', () => {
  describe.each([
    { family: 'Idefics3', attention: 'plain', replicas: '1', count: parityRequests },
    { family: 'Idefics3', attention: 'gqa', replicas: '2', count: PROMISED_REQUESTS },
    { family: 'Llama', attention: 'plain', replicas: '2', count: parityRequests },
    { family: 'Llama', attention: 'gqa', replicas: '1', count: parityRequests },
  ] as const)('of $family with a $attention graph, decoders: $replicas, requests: $count', (one) => {
    const { family, attention, replicas, count } = one;
    const [write, mostPictures] = family === 'Llama' ? [writeLlamaFolder, 0] : [writeIdefics3Folder, 3];
    let folder: string;
    let shim: Shim;
    let oracle: TransformersOracle;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fovea-parity-'));
      await write(folder, { attention, seed: 3 });
      oracle = await TransformersOracle.start(transformersJsUrl, folder);
      const config = readShimConfig({
        SHIM_PORT: '0',
        SHIM_MODELS: `tiny=${folder}`,
        SHIM_DECODER_REPLICAS: replicas,
        SHIM_MAX_NUM_SEQS: '8',
        SHIM_MAX_WAITING: '10000',
      });
      shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
    }, TIMEOUT_MS);
    afterAll(async () => {
      await oracle.stop();
      await shim.close();
      await rm(folder, { recursive: true });
    });

    it(
      'are those of transformers.js, token by token, while others join and leave',
      async () => {
        const requests = await mixedRequests(count, 11, mostPictures);
        const client = new ChatClient(shim.address);
        const [answers, expected] = await Promise.all([
          Promise.all(requests.map((request) => askServer(client, request))),
          Promise.all(requests.map((request) => askOracle(oracle, request))),
        ]);
        expect(answers).toEqual(expected);
        // Rows did leave at different times, and what was said depends on what was asked.
        expect(new Set(answers.map(({ tokenIds }) => tokenIds?.length)).size).toBeGreaterThan(5);
        const different = new Set(answers.map(({ tokenIds }) => tokenIds?.join())).size;
        expect(different).toBeGreaterThan(0.9 * requests.length);
      },
      TIMEOUT_MS,
    );
  });
});
