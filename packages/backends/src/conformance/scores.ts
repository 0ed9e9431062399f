import { describe, expect, it } from '@jest/globals';
import type { RerankAnswer, RerankRequest } from '../index.js';
import { neverAborted, type Suite } from './suite.js';

const query = 'where is the red fox';
const documents = ['tax law of 1972', 'the red fox is in the garden', 'a fox'];

export function describeScores(suite: Suite): void {
  const rerank = (more: Partial<RerankRequest> = {}): Promise<RerankAnswer> => {
    const { backend, model } = suite.harness;
    const request = { requestId: '01920000-0000-7000-8000-000000000007', model, query, documents, ...more };
    return backend.rerank(request, neverAborted);
  };

  describe('scores', () => {
    it('come one per document, in the order of the request, higher where it fits', async () => {
      const { scores, promptTokens } = await rerank();
      expect(scores).toHaveLength(3);
      const [law = 0, garden = 0, fox = 0] = scores;
      expect(garden).toBeGreaterThan(fox);
      expect(fox).toBeGreaterThan(law);
      expect(promptTokens).toBeGreaterThan(0);
    });

    it('do not depend on the order of the documents', async () => {
      const forth = await rerank();
      const back = await rerank({ documents: [...documents].reverse() });
      for (const [at, score] of [...back.scores].reverse().entries()) {
        expect(score).toBeCloseTo(forth.scores[at] ?? Number.NaN, 4);
      }
    });

    it('are the same for several queries in one call as for each alone', async () => {
      const other = 'tax law';
      const alone = [await rerank(), await rerank({ query: other })];
      const queries = [...documents.map(() => query), ...documents.map(() => other)];
      const together = await rerank({ query: queries, documents: [...documents, ...documents] });
      const expected = alone.flatMap(({ scores }) => scores);
      expect(together.scores).toHaveLength(6);
      for (const [at, score] of together.scores.entries()) expect(score).toBeCloseTo(expected[at] ?? 0, 4);
      expect(together.promptTokens).toBeGreaterThan(0);
    });

    it('are refused for a reason that is told', async () => {
      await suite.expectRefusals((more) => rerank(more));
    });
  });
}
