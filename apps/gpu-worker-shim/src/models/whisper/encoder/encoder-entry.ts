import { parentPort, workerData } from 'node:worker_threads';
import { Tensor } from 'onnxruntime-node';
import { floatsOf, openSession } from '../../../engine/onnx-session.js';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import type { EncodedSound } from '../decoder/window-rows.js';
import type { EncoderThreadFacts, EncoderThreadSettings } from './encoder-protocol.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: EncoderThreadSettings = workerData;

// One window after the other: convolutions and long attention take all cores, and more windows at once gain nothing.
await serveCalls<Float32Array<ArrayBuffer>, EncodedSound, EncoderThreadFacts>(parentPort, async () => {
  const { encoderFile, melBins, frames } = settings;
  const session = await openSession(encoderFile, settings);
  const answer = async (features: Float32Array<ArrayBuffer>): Promise<EncodedSound> => {
    const feeds = { input_features: new Tensor('float32', features, [1, melBins, frames]) };
    const outputs = await session.run(feeds, ['last_hidden_state']);
    const values = floatsOf(outputs, 'last_hidden_state').slice();
    const [, places = 0, size = 0] = outputs.last_hidden_state?.dims ?? [];
    if (places * size !== values.length) throw new Error('"last_hidden_state" is not [1, places, size]');
    return { values, places, size };
  };
  // What the graph cannot do shows now, and the first request need not wait for memory.
  const silence = await answer(new Float32Array(melBins * frames).fill(-1.5)).catch((error: unknown) => {
    throw new Error(`${encoderFile}: ${error instanceof Error ? error.message : String(error)}`);
  });
  return {
    facts: { silence },
    answer,
    transfer: ({ values }) => [values.buffer as ArrayBuffer],
    close: () => session.release(),
  };
});
