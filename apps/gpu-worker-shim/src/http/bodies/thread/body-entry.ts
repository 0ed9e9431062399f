import { MessageChannel, parentPort } from 'node:worker_threads';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import { MalformedRequest } from '../../vllm-error.js';
import { parseJson } from '../parse-json.js';
import type { BodyAnswer, BodyCall } from './body-protocol.js';
import { takeImages } from './taken-images.js';
import { cutValue } from './value-pieces.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');

const { port1: nowhere } = new MessageChannel();
nowhere.close();

/** What is sent to a closed port is gone at once; the collector would leave it for a thread that does nothing else. */
function free(buffer: ArrayBuffer): void {
  nowhere.postMessage(undefined, [buffer]);
}

function join({ segments, byteLength }: BodyCall): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(new ArrayBuffer(byteLength));
  let at = 0;
  for (const segment of segments) {
    text.set(new Uint8Array(segment, 0, Math.min(segment.byteLength, byteLength - at)), at);
    at += segment.byteLength;
    free(segment);
  }
  return text;
}

function parse({ buffer }: Uint8Array<ArrayBuffer>): unknown {
  try {
    return parseJson(Buffer.from(buffer));
  } finally {
    free(buffer);
  }
}

function answer(call: BodyCall): BodyAnswer {
  try {
    const value = parse(join(call));
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
