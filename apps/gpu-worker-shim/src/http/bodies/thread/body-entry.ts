import { parentPort } from 'node:worker_threads';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import { MalformedRequest } from '../../vllm-error.js';
import { parseJson } from '../parse-json.js';
import type { BodyAnswer, BodyCall } from './body-protocol.js';
import { takeImages } from './taken-images.js';
import { cutValue } from './value-pieces.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');

function join({ segments, byteLength }: BodyCall): Buffer {
  const text = Buffer.allocUnsafeSlow(byteLength);
  let at = 0;
  for (const segment of segments) {
    text.set(new Uint8Array(segment, 0, Math.min(segment.byteLength, byteLength - at)), at);
    at += segment.byteLength;
  }
  return text;
}

function answer(call: BodyCall): BodyAnswer {
  try {
    const value = parseJson(join(call));
    const images = takeImages(value);
    for (const piece of cutValue(value)) call.pieces.postMessage(piece);
    return { images };
  } catch (error) {
    if (error instanceof MalformedRequest) return { refused: error.message };
    throw error;
  } finally {
    call.pieces.close();
  }
}

await serveCalls<BodyCall, BodyAnswer, undefined>(parentPort, async () => ({
  facts: undefined,
  answer: async (call) => answer(call),
  transfer: (given) =>
    'images' in given
      ? [...given.images.values()].flatMap((image) => ('bytes' in image ? [image.bytes.buffer] : []))
      : [],
  close: async () => undefined,
}));
