import {
  chatAnswerSchema,
  chatChunkSchema,
  chatRequestSchema,
  fileDeletedSchema,
  fileListSchema,
  fileObjectSchema,
  fileUploadSchema,
  limitsSchema,
  modelAvailableSchema,
  modelCardSchema,
  modelListSchema,
  modelSettingsSchema,
  openAiErrorSchema,
  phariaErrorSchema,
} from '@fovea/schemas/http';
import type { z } from 'zod';

/** The named schemas of the document, each the one that parses or answers requests. */
export const components = {
  ChatRequest: chatRequestSchema,
  ChatAnswer: chatAnswerSchema,
  ChatChunk: chatChunkSchema,
  FileUpload: fileUploadSchema,
  FileObject: fileObjectSchema,
  FileList: fileListSchema,
  FileDeleted: fileDeletedSchema,
  ModelList: modelListSchema,
  ModelCard: modelCardSchema,
  ModelSettings: modelSettingsSchema,
  ModelAvailable: modelAvailableSchema,
  Limits: limitsSchema,
  OpenAiError: openAiErrorSchema,
  PhariaError: phariaErrorSchema,
} as const satisfies Record<string, z.ZodType>;
