import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLogger } from '@fovea/observability';
import { describeIf, transformersJs, transformersJsUrl, writeEmbeddingFolder } from '@fovea/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type Shim, startShim } from '../compose.js';
import { readShimConfig } from '../config/shim-variables.js';

// Vectors of this server, all asked for at once, against those of transformers.js computed one by one from the same
// files. The threads run from dist: build before.

const oracle = fileURLToPath(new URL('embedding-oracle.mjs', import.meta.url));
const vectorsSchema = z.array(z.array(z.number()));
const answerSchema = z.object({ data: z.array(z.object({ embedding: z.array(z.number()) })) });

const words = 'the red fox jumps over a lazy dog, and the COURT said: tax law is 42 über 你好!'.split(' ');
const texts = Array.from({ length: 40 }, (_, at) =>
  Array.from({ length: (at * 7) % 13 }, (_word, place) => words[(at + place * 3) % words.length]).join(' '),
);

describeIf(transformersJs, 'embeddings against transformers.js', () => {
  let folder: string;
  let shim: Shim;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-embedding-parity-'));
  });
  afterEach(async () => {
    await shim.close();
    await rm(folder, { recursive: true });
  });

  it.each(['mean', 'cls'] as const)(
    'are the same within 1e-5 with %s pooling',
    async (pooling) => {
      await writeEmbeddingFolder(folder, { pooling });
      const config = readShimConfig({ SHIM_MODELS: `words=${folder}`, SHIM_PORT: '0', SHIM_THREADS: '1' });
      shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '0');
      const ask = async (input: string[]) => {
        const response = await fetch(`${shim.address}/v1/embeddings`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ input }),
        });
        return answerSchema.parse(await response.json()).data.map(({ embedding }) => embedding);
      };
      const parts = [texts.slice(0, 1), texts.slice(1, 15), texts.slice(15)];
      const own = (await Promise.all(parts.map(ask))).flat();
      const args = [oracle, transformersJsUrl, folder, pooling, JSON.stringify(texts)];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const theirs = vectorsSchema.parse(JSON.parse(stdout));
      const distances = own.flatMap((vector, at) =>
        vector.map((value, place) => Math.abs(value - (theirs[at]?.[place] ?? Number.NaN))),
      );
      expect(distances).toHaveLength(texts.length * 32);
      expect(Math.max(...distances)).toBeLessThan(1e-5);
    },
    60_000,
  );
});
