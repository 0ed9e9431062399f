import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { publishedProcessor, readImageProcessor } from '@fovea/image-preprocessing';
import { type ImageProcessor, imageProcessorSchema } from '@fovea/schemas/model-package';
import type { WorkerFile } from './parse-worker-file.js';

/** Far more than any of these files has. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Undefined for a file that is not there, cannot be read, is too large or holds no JSON. */
async function readJson(folder: string, name: string): Promise<unknown> {
  try {
    const path = join(folder, name);
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) return undefined;
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return value;
  } catch {
    return undefined;
  }
}

async function fromModelFolder(folder: string): Promise<ImageProcessor | null> {
  const [preprocessor, processor, model] = await Promise.all([
    readJson(folder, 'preprocessor_config.json'),
    readJson(folder, 'processor_config.json'),
    readJson(folder, 'config.json'),
  ]);
  return readImageProcessor({ preprocessor, processor, model });
}

/**
 * How the worker's model processes pictures: from the files under `model_path`, with what `[generator.image_processor]`
 * says instead. Where the files are not at hand, or of another family, the family's published checkpoints stand in.
 * Null when nothing tells, or when the two together make no sense. Never throws: a model folder may be on another host, or no folder but a name.
 */
export async function loadImageProcessor({ generator }: WorkerFile): Promise<ImageProcessor | null> {
  const { imageProcessor: settings, modelPath } = generator;
  const found = modelPath === undefined ? null : await fromModelFolder(modelPath);
  if (settings === undefined) return found;
  const base = found?.family === settings.family ? found : publishedProcessor(settings.family);
  return imageProcessorSchema.safeParse({ ...base, ...settings }).data ?? null;
}
