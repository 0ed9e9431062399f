import type { StepResult } from './decoder.js';
import { highestLogit } from './highest-logit.js';
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

/** In parts of the range: the largest difference of two rows, or how far a token is from being the best one. */
function differenceOf(result: StepResult, alone: Float32Array): number {
  if (typeof result === 'number') return (alone[highestLogit(alone)]! - alone[result]!) / rangeOf(alone);
  assertFinite(result);
  let largest = 0;
  for (const [at, value] of result.entries()) largest = Math.max(largest, Math.abs(value - alone[at]!));
  return largest / rangeOf(alone);
}

/** Feeds a prompt and two tokens behind it; gives the cache of the prompt and what each of the tokens led to. */
async function runAlone(decoder: MergedDecoder, ids: readonly number[]) {
  const { cache } = await decoder.extend(undefined, { ids, replaced: [] });
  const first = await decoder.extend(cache, { ids: [next], replaced: [] });
  const second = await decoder.extend(first.cache, { ids: [next], replaced: [] });
  for (const { logits } of [first, second]) assertFinite(logits);
  return { cache, first: first.logits.slice(), second: second.logits.slice() };
}

/** Two steps of all rows together, for their logits and for their best tokens; the largest difference. */
async function compareBatch(decoder: MergedDecoder, alone: readonly Awaited<ReturnType<typeof runAlone>>[]) {
  const rows = alone.map(({ cache }) => decoder.join(cache));
  const step = (wantsLogits: boolean) => decoder.step(rows.map((row) => ({ row, token: next, wantsLogits })));
  try {
    const first = (await step(true)).map((result, at) => differenceOf(result, alone[at]!.first));
    const second = (await step(false)).map((result, at) => differenceOf(result, alone[at]!.second));
    return Math.max(...first, ...second);
  } finally {
    for (const row of rows) decoder.release(row);
  }
}

/**
 * Warms a decoder up and compares what rows of unequal length give in one step with what each gives alone. Where they
 * differ, the decoder is told to run rows one after the other: slower, and right.
 *
 * @returns true, or why rows run one after the other. Throws an `Error` when the graph does not run or gives nonsense.
 */
export async function testDecoder(decoder: MergedDecoder): Promise<true | string> {
  const alone = [];
  for (const ids of prompts) alone.push(await runAlone(decoder, ids));
  if (!decoder.isBatched) return 'the graph does not tell the keys and values of one token';
  const worst = await compareBatch(decoder, alone);
  if (worst <= TOLERANCE) return true;
  decoder.stopBatching();
  return `a batch differs from its rows by ${(100 * worst).toFixed(1)} % of the range of logits`;
}
