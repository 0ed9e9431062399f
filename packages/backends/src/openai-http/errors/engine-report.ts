import { z } from 'zod';

/** What an engine says went wrong, whatever form it said it in. */
export interface EngineReport {
  readonly status: number;
  readonly message: string;
  readonly type?: string | undefined;
  readonly param?: string | undefined;
}

/** More is never looked at: some engines answer with the whole request, and patterns are tried on this text. */
const maxMessageLength = 16_384;
const messageSchema = z.string().transform((text) => text.slice(0, maxMessageLength));

const fields = {
  message: messageSchema.catch(''),
  type: z.string().optional().catch(undefined),
  param: z.string().optional().catch(undefined),
  code: z.coerce.number().int().optional().catch(undefined),
};
const nestedSchema = z.object({ error: z.object(fields) });
const stringSchema = z.object({ error: messageSchema });
const flatSchema = z.object({ object: z.literal('error'), ...fields });
const detailEntrySchema = z.object({
  msg: messageSchema,
  loc: z.array(z.union([z.string(), z.number()])).optional(),
});
const detailSchema = z.object({ detail: z.union([messageSchema, z.array(detailEntrySchema)]) });

interface Found {
  readonly message: string;
  readonly type?: string | undefined;
  readonly param?: string | undefined;
  readonly code?: number | undefined;
}

function fromDetail(detail: z.infer<typeof detailSchema>['detail']): Found {
  if (typeof detail === 'string') return { message: detail };
  const message = detail
    .map((entry) => entry.msg)
    .join('; ')
    .slice(0, maxMessageLength);
  const path = detail[0]?.loc?.filter((step) => step !== 'body').join('.');
  return { message, param: path === '' ? undefined : path };
}

/** The error in a JSON value, in any form vLLM, its predecessors or FastAPI use; undefined when there is none. */
function findError(value: unknown): Found | undefined {
  const nested = nestedSchema.safeParse(value);
  if (nested.success) return nested.data.error;
  const string = stringSchema.safeParse(value);
  if (string.success) return { message: string.data.error };
  const flat = flatSchema.safeParse(value);
  if (flat.success) return flat.data;
  const detail = detailSchema.safeParse(value);
  return detail.success ? fromDetail(detail.data.detail) : undefined;
}

/** The JSON value of a text, undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** Reads the body of an error response: any JSON form, plain text, or nothing at all. */
export function readErrorBody(status: number, text: string): EngineReport {
  const found = findError(parseJson(text));
  if (found === undefined) return { status, message: text.slice(0, maxMessageLength).trim() };
  return { status, message: found.message, type: found.type, param: found.param };
}

const statusByType: Readonly<Record<string, number>> = {
  BadRequestError: 400,
  'Bad Request': 400,
  invalid_request_error: 400,
  AuthenticationError: 401,
  NotFoundError: 404,
  RateLimitError: 429,
  NotImplementedError: 501,
  ServiceUnavailableError: 503,
};

/** An ordinary chunk is known without looking closer: this runs once per token. */
function isChunk(value: object): boolean {
  return (
    'choices' in value &&
    !('error' in value && value.error) &&
    !('object' in value && value.object === 'error')
  );
}

/** The error in an event of a stream, with the status it would have had; undefined for an ordinary chunk. */
export function findErrorEvent(value: unknown): EngineReport | undefined {
  if (typeof value !== 'object' || value === null || isChunk(value)) return undefined;
  const found = findError(value);
  if (found === undefined) return undefined;
  const { code, type, message, param } = found;
  const isStatus = code !== undefined && code >= 400 && code < 600;
  return { status: isStatus ? code : (statusByType[type ?? ''] ?? 500), message, type, param };
}
