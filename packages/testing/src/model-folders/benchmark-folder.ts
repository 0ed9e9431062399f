import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sm135Decoder } from './decoder/decoder-sizes.js';
import { writeIdefics3Folder } from './idefics3/write-idefics3-folder.js';
import { smolVlmVision } from './vision/vision-graph.js';

/** Raised with every change of what is written, so that no cache holds an older model. */
const VERSION = 1;
/** Enough for benchmarks; SmolLM2's own 8,192 would be set aside for every sequence. */
const CONTEXT_TOKENS = 2048;

/**
 * A model of SmolVLM-256M's sizes with random weights: a 135M decoder and a vision encoder for tiles of 512 pixels, in
 * single precision (1 GB). It is written below `cacheFolder` the first time it is asked for, which takes about ten seconds.
 */
export async function provideBenchmarkFolder(
  cacheFolder: string,
  attention: 'plain' | 'gqa' = 'gqa',
): Promise<string> {
  const folder = join(cacheFolder, `smolvlm-256m-random-${attention}-v${VERSION}`);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const unfinished = `${folder}.${process.pid}`;
  try {
    await writeIdefics3Folder(unfinished, {
      attention,
      modelType: 'smolvlm',
      decoder: { ...sm135Decoder, contextTokens: CONTEXT_TOKENS },
      vision: smolVlmVision,
      doImageSplitting: false,
    });
    await writeFile(join(unfinished, 'README.md'), 'Random weights for benchmarks. May be deleted.\n');
    // Another process may have been faster; then its model is as good as ours.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
