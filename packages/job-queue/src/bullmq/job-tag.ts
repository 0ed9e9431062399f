import type { InferenceJob } from '@fovea/schemas/jobs';
import { z } from 'zod';
import type { WaitingWork } from '../index.js';

const tagSchema = z.object({ model: z.string(), tokens: z.number().nonnegative() });

/** For jobs whose tag cannot be read, as of an earlier version. */
const UNKNOWN = { model: 'unknown', tokens: 0 };

/**
 * What is told of a waiting job without reading its envelope. It is stored by the same step as the job and goes with it, so the sum
 * over those that wait is right whoever dies when; a counter beside the lane would have to be mended after each death.
 */
export const toTag = ({ model, expectedTokens = 0 }: InferenceJob): string =>
  JSON.stringify({ model, tokens: expectedTokens });

function parseTag(tag: string): z.infer<typeof tagSchema> {
  try {
    return tagSchema.parse(JSON.parse(tag));
  } catch {
    return UNKNOWN;
  }
}

/** Jobs and tokens of each model. */
export function sumByModel(tags: readonly string[]): WaitingWork[] {
  const sums = new Map<string, WaitingWork>();
  for (const { model, tokens } of tags.map(parseTag)) {
    const sum = sums.get(model) ?? { model, jobs: 0, tokens: 0 };
    sums.set(model, { model, jobs: sum.jobs + 1, tokens: sum.tokens + tokens });
  }
  return [...sums.values()];
}
