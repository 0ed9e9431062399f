import { CallThread } from '../../engine/threads/call-thread.js';
import type { ModelFamily, ModelRuntime, ModelSource } from '../model-family.js';
import { readOcrFolder } from './ocr-folder.js';
import { OcrModel } from './ocr-model.js';
import type { OcrStep, OcrStepAnswer, OcrThreadSettings } from './thread/ocr-protocol.js';

/**
 * Starts the one OCR thread. This file reaches sharp through `ocr-model.ts`, and must: on glibc the process has to load
 * sharp before a thread does, or the library is unloaded with the first thread that ends.
 */
async function load(source: ModelSource, runtime: ModelRuntime): Promise<OcrModel> {
  const { maxModelLen, files } = await readOcrFolder(source.folder);
  const settings: OcrThreadSettings = {
    detectionFile: files.detection,
    recognitionFile: files.recognition,
    orientationFile: files.orientation,
    charactersFile: files.characters,
    executionProviders: runtime.executionProviders,
    threads: runtime.threads,
  };
  const { thread } = await CallThread.start<OcrStep, OcrStepAnswer, undefined>(
    'models/ocr/thread/ocr-entry.js',
    settings,
  );
  const { maxRunning, maxWaiting } = runtime;
  return new OcrModel({ id: source.name, maxModelLen, maxRunning, maxWaiting }, thread);
}

/** PP-OCRv4: text detection, orientation and recognition as ONNX graphs. */
export const ocrFamily: ModelFamily = { modelTypes: ['pp-ocr'], load };
