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

const pairsSchema = z.object({
  data: z.array(z.object({ index: z.number().int().nonnegative(), score: z.number() })),
  usage: poolingUsageSchema,
});

/** The answer to `/v1/score` for as many queries as documents. Throws as `readScores` does. */
export function readPairScores(value: unknown, request: RerankRequest): RerankAnswer {
  const parsed = pairsSchema.safeParse(value);
  if (!parsed.success) {
    const detail = `not an answer with scores of pairs: ${z.prettifyError(parsed.error)}`;
    throw new FoveaError('BACKEND_ERROR', { detail });
  }
  const { data, usage } = parsed.data;
  const scores = inRequestOrder(data, request.documents.length).map(({ score }) => score);
  return { scores, promptTokens: promptTokensOf(usage) };
}
