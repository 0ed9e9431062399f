import { modelAvailableSchema, modelCardSchema, modelSettingsSchema } from '@fovea/schemas/http';
import { type GeneratorType, type Model, modelPackageSchema } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { toModelAvailable, toModelCard, toModelSettings } from './listing-wire.js';

const listing = (generatorType: GeneratorType, changes: Partial<Model> = {}) => {
  const model = {
    name: 'm',
    description: 'for tests',
    multimodalEnabled: false,
    chat: false,
    maximumCompletionTokens: null,
    aligned: true,
    promptTemplate: '{{prompt}}',
    modelCard: 'https://example.org/card',
    ...changes,
  };
  const modelPackage = modelPackageSchema.parse({
    checkpoint: 'c',
    version: 1,
    tags: [],
    generatorType,
    models: [model],
    extensions: [],
    waitForWorkerS: 0,
    maxModelLen: 8192,
  });
  const [parsed] = modelPackage.models;
  if (parsed === undefined) throw new Error('a package without models');
  return { model: parsed, package: modelPackage, status: 'available' as const };
};

const kinds: [string, ReturnType<typeof listing>, object, object][] = [
  [
    'a language model of vLLM',
    listing('vllm', { chat: true, completion: true, multimodalEnabled: true, maximumCompletionTokens: 2048 }),
    { worker_type: 'vllm', completion_type: 'full', chat: true, multimodal: true, advanced_sampling: false },
    { image_support: true, embedding_types: [], maximum_completion_tokens: 2048 },
  ],
  [
    'a luminous model',
    listing('luminous', { completion: true }),
    { worker_type: 'luminous', completion_type: 'full', chat: false, advanced_sampling: true },
    { image_support: false, maximum_completion_tokens: null },
  ],
  [
    'a chat model on ONNX Runtime',
    listing('onnx', { chat: true }),
    { worker_type: 'vllm', completion_type: 'none', embedding_type: 'none', semantic_embedding: false },
    { embedding_types: [] },
  ],
  [
    'a model that embeds only',
    listing('embedding', { embedding: true }),
    {
      worker_type: 'vllm',
      completion_type: 'none',
      embedding_type: 'semantic',
      semantic_embedding: true,
      embedding_task: { supported: true },
      rerank_task: { supported: false },
      maximum_completion_tokens: 0,
    },
    {
      embedding_types: expect.arrayContaining(['symmetric_128', 'asymmetric_query']),
      maximum_completion_tokens: 0,
    },
  ],
  [
    'a model that ranks',
    listing('vllm', { rerank: true }),
    { embedding_type: 'none', rerank_task: { supported: true }, maximum_completion_tokens: 0 },
    { embedding_types: [] },
  ],
  [
    'a model that transcribes',
    listing('transcription', { transcription: true }),
    { worker_type: 'transcription', completion_type: 'none', maximum_completion_tokens: null },
    { maximum_completion_tokens: null },
  ],
];

describe('the Pharia listings', () => {
  it.each(kinds)('tell of %s what it offers', (_name, shown, settings, available) => {
    expect(toModelSettings(shown)).toMatchObject(settings);
    expect(toModelAvailable(shown)).toMatchObject(available);
  });

  it.each(kinds)('have every documented field for %s, and no other', (_name, shown) => {
    expect(modelSettingsSchema.strict().parse(toModelSettings(shown))).toMatchObject({
      name: 'm',
      status: 'available',
      description: 'for tests',
      max_context_size: 8192,
      aligned: true,
      prompt_template: '{{prompt}}',
      model_card: 'https://example.org/card',
    });
    expect(modelAvailableSchema.strict().parse(toModelAvailable(shown))).toMatchObject({
      name: 'm',
      description: 'for tests',
      hostings: [],
      qa_support: false,
      summarization_support: false,
    });
  });
});

describe('the model card', () => {
  it('tells the package that offers the model', () => {
    expect(modelCardSchema.strict().parse(toModelCard(listing('onnx', { chat: true })))).toMatchObject({
      id: 'm',
      checkpoint: 'c',
      version: 1,
      max_model_len: 8192,
    });
  });
});
