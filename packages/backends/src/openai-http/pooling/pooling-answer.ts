import { FoveaError } from '@fovea/errors';
import { z } from 'zod';

/** vLLM's rerank reports only a total in most versions; nothing is generated, so it is the prompt's. */
export const poolingUsageSchema = z.object({
  prompt_tokens: z.number().int().nonnegative().nullish(),
  total_tokens: z.number().int().nonnegative().nullish(),
});

/** Throws `BACKEND_ERROR` when the engine reported no count. */
export function promptTokensOf(usage: z.infer<typeof poolingUsageSchema>): number {
  const tokens = usage.prompt_tokens ?? usage.total_tokens;
  if (tokens == null) throw new FoveaError('BACKEND_ERROR', { detail: 'the engine reported no usage' });
  return tokens;
}

/** Results by the index they name. Throws `BACKEND_ERROR` unless each of `count` indexes is there once. */
export function inRequestOrder<Result extends { readonly index: number }>(
  results: readonly Result[],
  count: number,
): Result[] {
  const byIndex = new Map(results.map((result) => [result.index, result]));
  const ordered = Array.from({ length: count }, (_, index) => byIndex.get(index));
  const complete = ordered.filter((result) => result !== undefined);
  if (complete.length === count && results.length === count) return complete;
  const detail = `the engine gave ${results.length} results for ${count} inputs, ${complete.length} of them named`;
  throw new FoveaError('BACKEND_ERROR', { detail });
}
