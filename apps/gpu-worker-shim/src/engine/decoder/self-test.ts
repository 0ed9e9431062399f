import type { MergedDecoder } from './merged-decoder.js';

/** Part of the range of logits that a batch may differ by: quantised graphs round activations by the whole batch. */
const TOLERANCE = 0.05;
/** Prompts of unequal length; only ids that every vocabulary has. */
const prompts = [
  [1, 2, 3, 4, 5],
  [6, 7],
  [8, 9, 1, 2, 3, 4, 5, 6, 7],
];
const next = 3;

function assertFinite(logits: Float32Array): void {
  if (!logits.every(Number.isFinite)) throw new Error('the self-test gave logits that are not finite');
}

function rangeOf(logits: Float32Array): number {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const logit of logits) {
    lowest = Math.min(lowest, logit);
    highest = Math.max(highest, logit);
  }
  return highest - lowest;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (const [at, value] of a.entries()) largest = Math.max(largest, Math.abs(value - b[at]!));
  return largest;
}

/**
 * Warms a decoder up and compares what rows of unequal length give in one step with what each gives alone. Where they
 * differ, the decoder is told to run rows one after the other: slower, and right.
 *
 * @returns true, or why rows run one after the other. Throws an `Error` when the graph does not run or gives nonsense.
 */
export async function testDecoder(decoder: MergedDecoder): Promise<true | string> {
  const caches = [];
  const alone = [];
  for (const ids of prompts) {
    const { cache } = await decoder.extend(undefined, { ids, replaced: [] });
    const { logits } = await decoder.extend(cache, { ids: [next], replaced: [] });
    assertFinite(logits);
    caches.push(cache);
    alone.push(logits.slice());
  }
  if (!decoder.isBatched) return 'the graph does not tell the keys and values of one token';
  const rows = caches.map((cache) => decoder.join(cache));
  let worst = 0;
  try {
    const together = await decoder.step(rows.map((row) => ({ row, token: next })));
    for (const [at, logits] of together.entries()) {
      assertFinite(logits);
      worst = Math.max(worst, largestDifference(logits, alone[at]!) / rangeOf(alone[at]!));
    }
  } finally {
    for (const row of rows) decoder.release(row);
  }
  if (worst <= TOLERANCE) return true;
  decoder.stopBatching();
  return `a batch differs from its rows by ${(100 * worst).toFixed(1)} % of the range of logits`;
}
