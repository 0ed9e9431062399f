export {
  type ApiKeyCreatedWire,
  type ApiKeyWire,
  apiKeyCreatedSchema,
  apiKeyRequestSchema,
  apiKeySchema,
  MAX_KEY_DESCRIPTION_CHARS,
  MAX_PERMISSIONS,
  type PermissionWire,
  permissionSchema,
  permissionsSchema,
  type RequestRecordWire,
  requestRecordSchema,
  type UserWire,
  userSchema,
} from './http/accounts.js';
export {
  type ChatRequestWire,
  chatRequestSchema,
  contentWireSchema,
  type MessageWire,
  messageWireSchema,
} from './http/chat-request.js';
export {
  type ChatAnswerWire,
  type ChatChunkWire,
  chatAnswerSchema,
  chatChunkSchema,
  type LogprobsWire,
  logprobsWireSchema,
  type UsageWire,
  usageWireSchema,
} from './http/chat-response.js';
export {
  type CompleteRequestWire,
  completeRequestSchema,
  type EvaluateRequestWire,
  evaluateRequestSchema,
} from './http/complete-request.js';
export {
  type CompleteAnswerWire,
  type CompleteEventWire,
  type CompletionEndWire,
  completeAnswerSchema,
  completeEventSchema,
  type EvaluateAnswerWire,
  evaluateAnswerSchema,
  type OptimizedPromptWire,
} from './http/complete-response.js';
export {
  type CompletionLogprobsWire,
  type CompletionsAnswerWire,
  type CompletionsChunkWire,
  type CompletionsRequestWire,
  completionsAnswerSchema,
  completionsChunkSchema,
  completionsRequestSchema,
  MAX_CANDIDATES,
} from './http/completions.js';
export {
  type BatchSemanticEmbedRequestWire,
  batchSemanticEmbedAnswerSchema,
  batchSemanticEmbedRequestSchema,
  type EmbeddingsRequestWire,
  embeddingsAnswerSchema,
  embeddingsRequestSchema,
  MAX_BATCH_PROMPTS,
  MAX_EMBEDDING_INPUTS,
  type SemanticEmbedRequestWire,
  semanticEmbedAnswerSchema,
  semanticEmbedRequestSchema,
} from './http/embeddings.js';
export {
  type OpenAiErrorWire,
  openAiErrorSchema,
  type PhariaErrorWire,
  phariaErrorSchema,
} from './http/error-body.js';
export { EXAMPLE_PICTURE } from './http/example-picture.js';
export { extensionSchemas } from './http/extensions.js';
export {
  type FileDeletedWire,
  type FileListQuery,
  type FileListWire,
  type FileObjectWire,
  type FilePurpose,
  fileDeletedSchema,
  fileListQuerySchema,
  fileListSchema,
  fileObjectSchema,
  filePurposeSchema,
  fileUploadSchema,
} from './http/files.js';
export {
  type EmbeddingTypeWire,
  type LimitsWire,
  limitsSchema,
  type ModelAvailableWire,
  type ModelCardWire,
  type ModelListWire,
  type ModelSettingsWire,
  modelAvailableSchema,
  modelCardSchema,
  modelListSchema,
  modelSettingsSchema,
} from './http/listings.js';
export {
  type PromptItemWire,
  type PromptWire,
  promptItemWireSchema,
  promptWireSchema,
} from './http/prompt.js';
export {
  MAX_RERANK_DOCUMENTS,
  type RerankAnswerWire,
  type RerankRequestWire,
  rerankAnswerSchema,
  rerankRequestSchema,
} from './http/rerank.js';
export {
  type DetokenizeAnswerWire,
  type DetokenizeRequestWire,
  detokenizeAnswerSchema,
  detokenizeRequestSchema,
  type TokenizeAnswerWire,
  type TokenizeRequestWire,
  tokenizeAnswerSchema,
  tokenizeRequestSchema,
} from './http/tokens.js';
export type {
  ResponseFormatWire,
  ToolCallWire,
  ToolChoiceWire,
  ToolWire,
} from './http/tools.js';
export {
  type TranscribeAnswerWire,
  type TranscriptionAnswerWire,
  type TranscriptionFormat,
  transcribeAnswerSchema,
  transcribeFormSchema,
  transcribeMetadataSchema,
  transcriptionAnswerSchema,
  transcriptionFormatSchema,
  transcriptionFormSchema,
  type VerboseTranscriptionWire,
  verboseTranscriptionSchema,
} from './http/transcription.js';
export {
  embedRequestSchema,
  explainRequestSchema,
  instructableEmbedRequestSchema,
  steeringConceptRequestSchema,
  translateRequestSchema,
} from './http/unoffered.js';
