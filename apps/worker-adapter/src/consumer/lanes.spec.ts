import type { Model } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { lanesOf } from './lanes.js';

const model = (can: Partial<Model>): Model => ({
  name: 'a',
  description: '',
  multimodalEnabled: false,
  chat: false,
  embedding: false,
  rerank: false,
  maximumCompletionTokens: null,
  aligned: false,
  promptTemplate: '',
  modelCard: null,
  ...can,
});

describe('lanesOf', () => {
  it.each([
    ['a text model', [model({ chat: true })], ['text']],
    ['a model that takes pictures', [model({ chat: true, multimodalEnabled: true })], ['text', 'media']],
    ['an embedding model', [model({ embedding: true })], ['embed']],
    ['a reranker beside a chat model', [model({ chat: true }), model({ rerank: true })], ['text', 'embed']],
    ['a model for nothing', [model({ multimodalEnabled: true })], []],
  ])('gives %s its lanes', (_what, models, lanes) => {
    expect(lanesOf(models)).toEqual(lanes);
  });
});
