import { z } from 'zod';

/** Code points of the description of an API key. */
export const MAX_KEY_DESCRIPTION_CHARS = 256;
/** Permissions that one `POST /check_privileges` may ask about. */
export const MAX_PERMISSIONS = 100;

/** `GET /users/me`: a tenant in the form of a Pharia user. There is no billing here, so nothing of it is ever owed. */
export const userSchema = z
  .object({
    id: z.number().int().meta({ description: 'Follows from the name of the tenant.' }),
    email: z.string().meta({ description: 'The tenant; no address that takes mail.' }),
    role: z.enum(['User', 'Admin']),
    credits_remaining: z.literal(0),
    invoice_allowed: z.literal(true),
    out_of_credits_threshold: z.literal(0),
    terms_of_service_version: z.string(),
  })
  .meta({ id: 'User' });
export type UserWire = z.infer<typeof userSchema>;

/** One entry of `GET /users/me/requests`: an accepted request that has ended, well or not. */
export const requestRecordSchema = z
  .object({
    create_timestamp: z.iso.datetime().meta({ description: 'When the request arrived, UTC.' }),
    model_name: z.string(),
    request_type: z.string().meta({ description: 'The route: `chat/completions`.' }),
    token_count_prompt: z.number().int().meta({ description: '0 where the engine did not say.' }),
    image_count_prompt: z.number().int(),
    token_count_completion: z.number().int().meta({ description: '0 where the engine did not say.' }),
    duration_millis: z.number().int(),
    credits: z.literal(0),
  })
  .meta({ id: 'RequestRecord' });
export type RequestRecordWire = z.infer<typeof requestRecordSchema>;

/** The body of `POST /users/me/tokens`. */
export const apiKeyRequestSchema = z
  .object({
    description: z
      .string()
      .default('')
      .meta({ description: 'For whom or what the key is.', maxLength: MAX_KEY_DESCRIPTION_CHARS }),
  })
  .meta({ id: 'ApiKeyRequest' });

export const apiKeySchema = z
  .object({ description: z.string(), token_id: z.string() })
  .meta({ id: 'ApiKey' });
export type ApiKeyWire = z.infer<typeof apiKeySchema>;

export const apiKeyCreatedSchema = z
  .object({
    metadata: apiKeySchema,
    token: z.string().meta({ description: 'The secret. It is shown here and never again.' }),
  })
  .meta({ id: 'ApiKeyCreated' });
export type ApiKeyCreatedWire = z.infer<typeof apiKeyCreatedSchema>;

/** A permission by its name alone, or with what it is for: `{"permission": "AccessModel", "model": "ocr"}`. */
export const permissionSchema = z
  .union([z.string(), z.looseObject({ permission: z.string() })])
  .meta({ id: 'Permission' });
export type PermissionWire = z.infer<typeof permissionSchema>;

/** The body of `POST /check_privileges`, and its answer: those of them that the key has. */
export const permissionsSchema = z
  .array(permissionSchema)
  .meta({ id: 'Permissions', maxItems: MAX_PERMISSIONS });
