import { describe, expect, it } from '@jest/globals';
import { readEmbeddings } from './read-embeddings.js';
import { readScores } from './read-scores.js';

const base64 = (...values: number[]): string => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeFloatLE(value, at * 4);
  return bytes.toString('base64');
};
const usage = { prompt_tokens: 7, total_tokens: 7, completion_tokens: 0, prompt_tokens_details: null };
const broken = (detail: string): object => ({
  code: 'BACKEND_ERROR',
  message: 'The engine failed to answer.',
  detail: expect.stringContaining(detail),
});

describe('readEmbeddings', () => {
  const request = { requestId: 'r', model: 'm', inputs: ['a', 'b'] };
  const answer = (...embeddings: unknown[]): object => ({
    object: 'list',
    data: embeddings.map((embedding, index) => ({ index, object: 'embedding', embedding })),
    usage,
  });

  it.each<[string, unknown]>([
    ['base64', answer(base64(1, -0.5), base64(0, 2))],
    ['numbers', answer([1, -0.5], [0, 2])],
    ['a mixture', answer([1, -0.5], base64(0, 2))],
    [
      'another order',
      {
        data: [
          { index: 1, embedding: base64(0, 2) },
          { index: 0, embedding: base64(1, -0.5) },
        ],
        usage: { total_tokens: 7 },
      },
    ],
  ])('reads %s', (_name, value) => {
    expect(readEmbeddings(value, request)).toEqual({
      vectors: [base64(1, -0.5), base64(0, 2)],
      promptTokens: 7,
    });
  });

  it.each<[string, unknown, string]>([
    ['no object', undefined, 'not an answer'],
    ['an error with a 200', { error: { message: 'x' } }, 'not an answer'],
    ['one vector too few', answer(base64(1)), '1 results for 2'],
    ['one vector too many', answer(base64(1), base64(1), base64(1)), '3 results for 2'],
    ['an index twice', { data: [0, 0].map((index) => ({ index, embedding: [1] })), usage }, 'results for 2'],
    ['vectors of two lengths', answer([1, 2], [1]), '1 dimensions, not 2'],
    ['an empty vector', answer([], []), '0 bytes'],
    ['bytes that are no floats', answer('AAAAAAA=', 'AAAAAAA='), '5 bytes'],
    ['what is no base64', answer('a-_b', 'a-_b'), 'not an answer'],
    ['an infinite value', answer([1], [1e39]), 'no number'],
    ['NaN', answer(base64(1), base64(Number.NaN)), 'no number'],
    ['null', answer([1], [null]), 'not an answer'],
    ['no usage', { data: [0, 1].map((index) => ({ index, embedding: [1] })) }, 'not an answer'],
    ['no count', { ...answer([1], [2]), usage: {} }, 'no usage'],
  ])('fails on %s', (_name, value, detail) => {
    expect(() => readEmbeddings(value, request)).toThrow(expect.objectContaining(broken(detail)));
  });

  it('fails when the vectors are not as long as asked', () => {
    const value = answer([1, 2, 3], [1, 2, 3]);
    expect(readEmbeddings(value, { ...request, dimensions: 3 }).vectors).toHaveLength(2);
    expect(() => readEmbeddings(value, { ...request, dimensions: 2 })).toThrow(
      expect.objectContaining(broken('3 dimensions, not 2')),
    );
  });
});

describe('readScores', () => {
  const request = { requestId: 'r', model: 'm', query: 'q', documents: ['a', 'b', 'c'] };
  const results = [
    { index: 2, document: { text: 'c' }, relevance_score: 0.9 },
    { index: 0, document: { text: 'a' }, relevance_score: -1.5 },
    { index: 1, document: null, relevance_score: -7 },
  ];

  it('puts the scores in the order of the documents', () => {
    expect(readScores({ id: 'rerank-1', results, usage: { total_tokens: 9 } }, request)).toEqual({
      scores: [-1.5, -7, 0.9],
      promptTokens: 9,
    });
  });

  it.each<[string, unknown, string]>([
    ['no object', 'text', 'not an answer'],
    ['a score too few', { results: results.slice(1), usage }, '2 results for 3'],
    ['a score that is none', { results: [{ index: 0, relevance_score: null }], usage }, 'not an answer'],
    [
      'a document nobody sent',
      { results: results.map((one) => ({ ...one, index: one.index + 1 })), usage },
      'for 3',
    ],
  ])('fails on %s', (_name, value, detail) => {
    expect(() => readScores(value, request)).toThrow(expect.objectContaining(broken(detail)));
  });
});
