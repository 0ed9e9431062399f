import { parentPort, workerData } from 'node:worker_threads';
import { serveCalls } from '../../engine/threads/serve-calls.js';
import type { VisionRequest, VisionThreadFacts, VisionThreadSettings } from './thread-settings.js';
import { VisionEncoder } from './vision-encoder.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: VisionThreadSettings = workerData;

await serveCalls<VisionRequest, Float32Array<ArrayBuffer>, VisionThreadFacts>(parentPort, async () => {
  const encoder = await VisionEncoder.open(settings);
  return {
    facts: { hiddenSize: encoder.hiddenSize },
    answer: ({ images }, isCancelled) => encoder.encode(images, isCancelled),
    transfer: (features) => [features.buffer],
    close: () => encoder.close(),
  };
});
