import { describe, expect, it } from '@jest/globals';
import type { EmbedAnswer, EmbedRequest } from '../index.js';
import { neverAborted, type Suite } from './suite.js';

const inputs = ['a red fox', 'tax law', 'a red fox'];

/** The numbers of a vector. */
function numbersOf(vector: string | undefined): number[] {
  const bytes = Buffer.from(vector ?? '', 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
}

export function describeVectors(suite: Suite): void {
  const embed = (more: Partial<EmbedRequest> = {}): Promise<EmbedAnswer> => {
    const { backend, model } = suite.harness;
    const request = { requestId: '01920000-0000-7000-8000-000000000005', model, inputs, ...more };
    return backend.embed(request, neverAborted);
  };

  describe('vectors', () => {
    it('come one per text, in order, of one length, with the tokens counted', async () => {
      const { vectors, promptTokens } = await embed();
      expect(vectors).toHaveLength(3);
      expect(vectors[0]).toBe(vectors[2]);
      expect(vectors[0]).not.toBe(vectors[1]);
      expect(new Set(vectors.map((vector) => numbersOf(vector).length)).size).toBe(1);
      expect(promptTokens).toBeGreaterThan(0);
    });

    it('do not depend on the company a text is in', async () => {
      const { vectors } = await embed();
      for (const [at, input] of inputs.entries()) {
        const alone = numbersOf((await embed({ inputs: [input] })).vectors[0]);
        const together = numbersOf(vectors[at]);
        for (const [place, value] of alone.entries()) expect(together[place]).toBeCloseTo(value, 4);
      }
    });

    it('are as long as asked', async () => {
      const half = numbersOf((await embed()).vectors[0]).length / 2;
      const { vectors } = await embed({ dimensions: half });
      expect(vectors.map((vector) => numbersOf(vector).length)).toEqual([half, half, half]);
    });

    it('of many texts are whole', async () => {
      const many = Array.from({ length: 500 }, (_, at) => `text number ${at}`);
      expect(new Set((await embed({ inputs: many })).vectors).size).toBe(500);
    });

    it('are refused for a reason that is told', async () => {
      await suite.expectRefusals((more) => embed(more));
    });
  });
}
