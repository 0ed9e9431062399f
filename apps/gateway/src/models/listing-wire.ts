import type { ModelListing } from '@fovea/model-registry';
import type { ModelAvailableWire, ModelCardWire, ModelSettingsWire } from '@fovea/schemas/http';
import type { GeneratorType, Model } from '@fovea/schemas/model-package';
import { embeddingFacts } from './embedding-facts.js';

/** OpenAI's model card. `created` is 0: packages carry a version, not a date. */
export const toModelCard = ({ model, package: modelPackage, status }: ModelListing): ModelCardWire => ({
  id: model.name,
  object: 'model',
  created: 0,
  owned_by: 'fovea',
  status,
  max_model_len: modelPackage.maxModelLen,
  multimodal: model.multimodalEnabled,
  tools: modelPackage.capabilities.tools,
  checkpoint: modelPackage.checkpoint,
  version: modelPackage.version,
});

/** The kinds of workers that clients know; what is not one of the others speaks the protocol of vLLM. */
const workerTypes: Record<GeneratorType, ModelSettingsWire['worker_type']> = {
  luminous: 'luminous',
  transcription: 'transcription',
  vllm: 'vllm',
  onnx: 'vllm',
  embedding: 'vllm',
};

export const toModelSettings = ({
  model,
  package: { generatorType, maxModelLen },
  status,
}: ModelListing): ModelSettingsWire => {
  const embedding = embeddingFacts(model);
  return {
    name: model.name,
    status,
    worker_type: workerTypes[generatorType],
    description: model.description,
    multimodal: model.multimodalEnabled,
    max_context_size: maxModelLen,
    semantic_embedding: embedding.type === 'semantic',
    completion_type: model.completion ? 'full' : 'none',
    embedding_type: embedding.type,
    aligned: model.aligned,
    chat: model.chat,
    prompt_template: model.promptTemplate,
    maximum_completion_tokens: mostCompletionTokens(model),
    model_card: model.modelCard,
    advanced_sampling: generatorType === 'luminous',
    embedding_task: { supported: model.embedding },
    rerank_task: { supported: model.rerank },
  };
};

export const toModelAvailable = ({ model, package: modelPackage }: ModelListing): ModelAvailableWire => ({
  name: model.name,
  description: model.description,
  max_context_size: modelPackage.maxModelLen,
  hostings: [],
  image_support: model.multimodalEnabled,
  qa_support: false,
  summarization_support: false,
  embedding_types: [...embeddingFacts(model).types],
  maximum_completion_tokens: mostCompletionTokens(model),
  aligned: model.aligned,
});

/** Null: nothing but the context limits. A model that only embeds or ranks completes nothing. */
function mostCompletionTokens(model: Model): number | null {
  const isSilent = !model.chat && !model.completion && !model.transcription;
  return isSilent && (model.embedding || model.rerank) ? 0 : model.maximumCompletionTokens;
}
