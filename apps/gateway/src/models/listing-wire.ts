import type { ModelListing } from '@fovea/model-registry';
import type { LimitsWire, ModelAvailableWire, ModelCardWire, ModelSettingsWire } from '@fovea/schemas/http';
import { type GatewayConfig, IMAGE_FORMATS, MAX_IMAGE_SIDE_PX } from '../gateway.config.js';

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

export const toLimits = (config: GatewayConfig, listings: readonly ModelListing[]): LimitsWire => ({
  max_body_bytes: config.GATEWAY_MAX_BODY_BYTES,
  max_image_side_px: MAX_IMAGE_SIDE_PX,
  image_formats: [...IMAGE_FORMATS],
  max_messages: 10_000,
  max_choices: 16,
  request_timeout_s: config.REQUEST_TIMEOUT_S,
  max_waiting_jobs_per_lane: config.GATEWAY_MAX_WAITING_JOBS,
  max_files_per_tenant: config.FILE_MAX_PER_TENANT,
  max_file_bytes_per_tenant: config.FILE_MAX_BYTES_PER_TENANT,
  file_lifetime_s: config.FILE_TTL_S,
  models: listings.map(({ model, package: modelPackage }) => ({
    name: model.name,
    multimodal: model.multimodalEnabled,
    max_context_tokens: modelPackage.maxModelLen,
    maximum_completion_tokens: model.maximumCompletionTokens,
  })),
});
