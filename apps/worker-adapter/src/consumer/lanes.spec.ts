import type { Model } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { lanesOf } from './lanes.js';

const model = (can: Partial<Model>): Model => ({
  name: 'a',
  description: '',
  multimodalEnabled: false,
  chat: false,
  completion: false,
  transcription: false,
  embedding: false,
  embeddingPrefixes: null,
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
    ['a model that goes on from raw prompts', [model({ completion: true })], ['text']],
    ['a model that listens', [model({ transcription: true })], ['media']],
    ['a model for nothing', [model({ multimodalEnabled: true })], []],
  ])('gives %s its lanes', (_what, models, lanes) => {
    expect(lanesOf(models, { tokenizer: false })).toEqual(lanes);
  });

  it('gives one that tells its tokens the lane of short work', () => {
    expect(lanesOf([model({ chat: true })], { tokenizer: true })).toEqual(['text', 'embed']);
  });
});
