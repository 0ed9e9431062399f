import type { ModelListing } from '@fovea/model-registry';
import type { LimitsWire } from '@fovea/schemas/http';
import { type GatewayConfig, IMAGE_FORMATS } from '../gateway.config.js';
import { fixedLimitValues } from './fixed-limits.js';

/** Every bound of this gateway, and the context of each model. */
export const toLimits = (config: GatewayConfig, listings: readonly ModelListing[]): LimitsWire => ({
  max_body_bytes: config.GATEWAY_MAX_BODY_BYTES,
  ...fixedLimitValues(),
  image_formats: [...IMAGE_FORMATS],
  max_messages: 10_000,
  max_choices: 16,
  request_timeout_s: config.REQUEST_TIMEOUT_S,
  headers_timeout_s: config.GATEWAY_HEADERS_TIMEOUT_S,
  upload_idle_s: config.GATEWAY_UPLOAD_IDLE_S,
  upload_min_bytes_per_s: config.GATEWAY_UPLOAD_MIN_BYTES_PER_S,
  max_bytes_in_flight: config.GATEWAY_MAX_BYTES_IN_FLIGHT,
  max_bytes_in_flight_per_tenant: config.GATEWAY_MAX_BYTES_IN_FLIGHT_PER_TENANT,
  max_waiting_jobs_per_lane: config.GATEWAY_MAX_WAITING_JOBS,
  max_files_per_tenant: config.FILE_MAX_PER_TENANT,
  max_file_bytes_per_tenant: config.FILE_MAX_BYTES_PER_TENANT,
  file_lifetime_s: config.FILE_TTL_S,
  max_api_keys_per_tenant: config.API_KEYS_MAX_PER_TENANT,
  blob_store_bytes: config.BLOB_MAX_BYTES ?? null,
  blob_linger_s: config.BLOB_LINGER_S,
  models: listings.map(({ model, package: modelPackage }) => ({
    name: model.name,
    multimodal: model.multimodalEnabled,
    max_context_tokens: modelPackage.maxModelLen,
    maximum_completion_tokens: model.maximumCompletionTokens,
  })),
});
