import type { ModelListing } from '@fovea/model-registry';
import type { ModelAvailableWire, ModelCardWire, ModelSettingsWire } from '@fovea/schemas/http';

/** OpenAI's model card. `created` is 0: packages carry a version, not a date. */
export const toModelCard = ({ model, package: modelPackage, status }: ModelListing): ModelCardWire => ({
  id: model.name,
  object: 'model',
  created: 0,
  owned_by: 'fovea',
  status,
  max_model_len: modelPackage.maxModelLen,
  multimodal: model.multimodalEnabled,
});

export const toModelSettings = ({
  model,
  package: modelPackage,
  status,
}: ModelListing): ModelSettingsWire => ({
  name: model.name,
  status,
  worker_type: modelPackage.generatorType,
  description: model.description,
  multimodal: model.multimodalEnabled,
  max_context_size: modelPackage.maxModelLen,
  semantic_embedding: false,
  completion_type: 'none',
  embedding_type: 'none',
  aligned: model.aligned,
  chat: model.chat,
  prompt_template: model.promptTemplate,
  maximum_completion_tokens: model.maximumCompletionTokens,
  model_card: model.modelCard,
});

export const toModelAvailable = ({ model, package: modelPackage }: ModelListing): ModelAvailableWire => ({
  name: model.name,
  description: model.description,
  max_context_size: modelPackage.maxModelLen,
  hostings: [],
  image_support: model.multimodalEnabled,
  qa_support: false,
  summarization_support: false,
  embedding_types: [],
  maximum_completion_tokens: model.maximumCompletionTokens,
  aligned: model.aligned,
});
