import { z } from 'zod';

/** What a file may be stored for. Both mean the same here: a picture for chat parts of the type `image_file`. */
export const filePurposeSchema = z.enum(['vision', 'user_data']);
export type FilePurpose = z.infer<typeof filePurposeSchema>;

/** The form of `POST /files`, as clients fill it. */
export const fileUploadSchema = z
  .object({
    file: z.string().meta({ format: 'binary', description: 'PNG, JPEG, WebP or GIF; by content.' }),
    purpose: filePurposeSchema.meta({ description: 'Both mean the same here.' }),
    'expires_after[anchor]': z
      .literal('created_at')
      .optional()
      .meta({ description: 'From when `expires_after[seconds]` count.' }),
    'expires_after[seconds]': z
      .number()
      .int()
      .min(1)
      .max(2_592_000)
      .optional()
      .meta({ description: 'Seconds after the upload; `FILE_TTL_S` by default.' }),
  })
  .meta({ id: 'FileUpload' });

/** A stored file: OpenAI's shape, and what its header says of the picture. */
export const fileObjectSchema = z
  .object({
    id: z.string().meta({ examples: ['file-0190…'] }),
    object: z.literal('file'),
    bytes: z.number().int(),
    created_at: z.number().int().meta({ description: 'Seconds since the epoch.' }),
    expires_at: z.number().int().meta({ description: 'Seconds since the epoch.' }),
    filename: z.string(),
    purpose: filePurposeSchema,
    status: z.literal('processed'),
    media_type: z.string(),
    width: z.number().int(),
    height: z.number().int(),
  })
  .meta({ id: 'FileObject' });
export type FileObjectWire = z.infer<typeof fileObjectSchema>;

export const fileListSchema = z
  .object({
    object: z.literal('list'),
    data: z.array(fileObjectSchema),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: 'FileList' });
export type FileListWire = z.infer<typeof fileListSchema>;

export const fileDeletedSchema = z
  .object({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) })
  .meta({ id: 'FileDeleted' });
export type FileDeletedWire = z.infer<typeof fileDeletedSchema>;

/** Query of `GET /files`. */
export const fileListQuerySchema = z.object({
  purpose: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().optional(),
});
export type FileListQuery = z.infer<typeof fileListQuerySchema>;
