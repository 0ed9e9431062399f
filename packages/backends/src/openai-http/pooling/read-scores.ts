import { FoveaError } from '@fovea/errors';
import { z } from 'zod';
import type { RerankAnswer, RerankRequest } from '../../index.js';
import { inRequestOrder, poolingUsageSchema, promptTokensOf } from './pooling-answer.js';

const answerSchema = z.object({
  results: z.array(z.object({ index: z.number().int().nonnegative(), relevance_score: z.number() })),
  usage: poolingUsageSchema,
});

/** The answer to `/v1/rerank`, which comes sorted by score. Throws `BACKEND_ERROR` unless each document has one. */
export function readScores(value: unknown, request: RerankRequest): RerankAnswer {
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) {
    const detail = `not an answer with scores: ${z.prettifyError(parsed.error)}`;
    throw new FoveaError('BACKEND_ERROR', { detail });
  }
  const { results, usage } = parsed.data;
  const scores = inRequestOrder(results, request.documents.length).map((result) => result.relevance_score);
  return { scores, promptTokens: promptTokensOf(usage) };
}
