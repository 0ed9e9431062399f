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
import { CompletionClient } from '../testing/completion-client.js';
import { TransformersOracle } from './transformers-oracle.js';

// Raw prompts to this server, many at once and run in pieces, against transformers.js, one at a time and in one pass, on
// the same files. The HTTP side runs from source, the threads from dist: build before.

const TIMEOUT_MS = 60_000 + 2_000 * parityRequests;
/** Around the length of a piece, where a cut could go wrong; then any. */
const lengths = [1, 2, 127, 128, 129, 255, 256, 257, 300];

describeIf(transformersJs, 'raw prompts', () => {
  describe.each([
    { family: 'Idefics3', attention: 'plain', takesLogitsToKeep: true, write: writeIdefics3Folder },
    { family: 'Llama', attention: 'gqa', takesLogitsToKeep: false, write: writeLlamaFolder },
    { family: 'Llama', attention: 'plain', takesLogitsToKeep: true, write: writeLlamaFolder },
  ] as const)('of $family with a $attention graph', ({ attention, takesLogitsToKeep, write }) => {
    let folder: string;
    let shim: Shim;
    let oracle: TransformersOracle;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fovea-parity-'));
      await write(folder, { attention, takesLogitsToKeep, seed: 6 });
      oracle = await TransformersOracle.start(transformersJsUrl, folder);
      const config = readShimConfig({
        SHIM_PORT: '0',
        SHIM_MODELS: `tiny=${folder}`,
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
      'have the log probabilities and greedy answers of transformers.js',
      async () => {
        const client = new CompletionClient(shim.address, 'tiny');
        // Letters and merges, no special token.
        const prompts = Array.from({ length: Math.max(lengths.length, parityRequests) }, (_, at) =>
          Array.from(
            { length: lengths[at] ?? 3 + ((at * 53) % 280) },
            (_id, position) => 40 + ((position * 89 + at * 17 + (position >> 4) * 7) % 320),
          ),
        );
        const choices = await Promise.all(
          prompts.map((prompt) => client.choice({ prompt, max_tokens: 12, prompt_logprobs: 0 })),
        );
        for (const [at, ids] of prompts.entries()) {
          const { prompt_logprobs: entries, token_ids: tokenIds } = choices[at]!;
          const expected = await oracle.complete(ids, 12);
          expect(tokenIds).toEqual(expected.tokenIds);
          const worst = expected.logprobs.reduce(
            (most, logprob, index) =>
              Math.max(most, Math.abs(logprob - entries![index + 1]![ids[index + 1]!]!.logprob)),
            0,
          );
          expect(worst).toBeLessThan(1e-4);
        }
      },
      TIMEOUT_MS,
    );
  });
});
