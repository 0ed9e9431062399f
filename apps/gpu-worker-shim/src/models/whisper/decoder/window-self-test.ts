import type { EncodedSound, WindowRows } from './window-rows.js';

/** Part of the range of logits that a batch may differ by: quantised graphs round activations by the whole batch. */
const TOLERANCE = 0.05;

export interface WindowSelfTest {
  readonly vocabularySize: number;
  /** True, or why windows are written one after the other. */
  readonly batching: true | string;
}

const largestOf = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

/**
 * Warms a decoder up and compares what two windows give in one step with what each gives alone.
 *
 * @param next a token for each of the two windows
 * @throws Error when the graph does not run or gives nonsense
 */
export async function testWindows(
  rows: Pick<WindowRows, 'begin' | 'step' | 'rewind' | 'release'>,
  sound: EncodedSound,
  prompt: readonly number[],
  next: readonly [number, number],
): Promise<WindowSelfTest> {
  const windows = [await rows.begin(sound, prompt), await rows.begin(sound, prompt)];
  const steps = windows.map(({ row }, at) => ({ row, token: next[at]! }));
  const together = (await rows.step(steps)).map((logits) => logits.slice());
  let worst = 0;
  for (const [at, step] of steps.entries()) {
    rows.rewind(step.row);
    const [alone = new Float32Array()] = await rows.step([step]);
    const range = largestOf(alone);
    if (!Number.isFinite(range)) throw new Error('the self-test gave logits that are not finite');
    worst = Math.max(worst, largestOf(alone.map((value, id) => value - together[at]![id]!)) / range);
  }
  for (const { row } of windows) rows.release(row);
  const percent = (100 * worst).toFixed(1);
  return {
    vocabularySize: together[0]?.length ?? 0,
    batching: worst <= TOLERANCE || `a batch differs from its rows by ${percent} % of the largest logit`,
  };
}
