import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { FoveaError } from '@fovea/errors';
import { StreamingBodyReader } from '../streaming-body-reader.js';
import { TextParser } from '../text/text-parser.js';
import { randomBody } from './documents.js';
import {
  chatRoute,
  expectedOutcome,
  type FuzzRoute,
  isCutOff,
  isTooLarge,
  type Outcome,
  promptRoute,
} from './oracle.js';
import { Random } from './random.js';

export interface FuzzOptions {
  readonly documents: number;
  readonly seed: number;
  /** Number of the first document; to run one again, its own and `documents: 1`. */
  readonly first?: number;
}

export interface FuzzReport {
  readonly accepted: number;
  readonly refused: number;
  readonly media: number;
}

const reader = new StreamingBodyReader({ maxBodyBytes: 128 * 1024 * 1024, texts: new TextParser() });
const signal = new AbortController().signal;

/** Reads a body that arrives in these chunks. */
export async function readChunks(chunks: readonly Buffer[], route: FuzzRoute): Promise<Outcome> {
  const stored: Record<string, string> = {};
  const sink = async (bytes: AsyncIterable<Uint8Array>, path: string) => {
    let hex = '';
    for await (const piece of bytes) {
      if (hex === '' && isTooLarge(piece)) throw new FoveaError('IMAGE_TOO_LARGE', { param: path });
      hex += Buffer.from(piece).toString('hex');
    }
    if (isCutOff(hex.length / 2)) throw new FoveaError('INVALID_IMAGE', { param: path });
    stored[path] = hex;
    return { name: 'a'.repeat(64), mediaType: 'image/png', byteSize: hex.length / 2 };
  };
  try {
    const source = Readable.from(chunks, { objectMode: true });
    const { value, media } = await reader.read(source, { sink, signal, places: route.places });
    return { value, media: Object.fromEntries([...media.keys()].map((path) => [path, stored[path] ?? ''])) };
  } catch (error) {
    if (!FoveaError.isInstance(error)) throw error;
    return { refused: error.code, because: error.message, param: error.param };
  }
}

const mediaCodes = ['INVALID_IMAGE', 'IMAGE_TOO_LARGE', 'EXTERNAL_IMAGE_URL'];

/**
 * Whether the reader may answer so. Of several faults it names the first in the order of the bytes, so a broken image may
 * hide what is wrong with the text; but where only images are broken, it must say so.
 */
export function agrees(expected: Outcome, found: Outcome): boolean {
  if (!('refused' in expected)) return isDeepStrictEqual(found, expected);
  if (!('refused' in found)) return false;
  if (mediaCodes.includes(found.refused)) return true;
  return found.refused === 'INVALID_REQUEST' && !mediaCodes.includes(expected.refused);
}

function cut(body: Buffer, random: Random): Buffer[] {
  const cuts = Array.from({ length: random.below(6) }, () => random.below(body.length + 1));
  const bounds = [0, ...cuts.sort((a, b) => a - b), body.length];
  const chunks = bounds.slice(1).map((end, index) => Buffer.from(body.subarray(bounds[index], end)));
  return chunks.filter((chunk) => chunk.length > 0);
}

/**
 * Compares the reader with `JSON.parse` and a strict base64 on random documents, cut at random, and with itself on the same
 * documents in one piece. Throws with seed, number and bytes of the first on which they differ. `npm test` runs 20,000; for more, after a build:
 *
 *     node -e "import('./apps/gateway/dist/ingest/fuzz/fuzz.js').then((m) =>
 *       m.fuzz({ documents: 1e6, seed: Date.now() })).then(console.log)"
 */
export async function fuzz({ documents, seed, first = 0 }: FuzzOptions): Promise<FuzzReport> {
  let accepted = 0;
  let media = 0;
  for (let number = first; number < first + documents; number += 1) {
    const random = new Random(seed + number * 7919);
    const form = random.pick(['chat', 'prompt'] as const);
    const route = form === 'chat' ? chatRoute : promptRoute;
    const body = randomBody(random, form);
    const expected = expectedOutcome(body, route);
    const found = await readChunks(cut(body, random), route);
    const whole = await readChunks([body], route);
    if (!agrees(expected, found) || !isDeepStrictEqual(found, whole)) {
      const facts = { seed, number, expected, found, whole, body: body.toString('latin1') };
      throw new Error(`the reader differs: ${JSON.stringify(facts)}`);
    }
    if ('refused' in found) continue;
    accepted += 1;
    media += Object.keys(found.media).length;
  }
  return { accepted, refused: documents - accepted, media };
}
