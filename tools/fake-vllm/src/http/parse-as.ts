import type { z } from 'zod';
import { pydanticRepr } from '../generation/sampling-schema.js';
import { VllmError } from './vllm-error.js';

/** Throws the 400 with pydantic's repr that FastAPI's validation ends in. */
export function parseAs<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new VllmError(400, pydanticRepr(parsed.error), { type: 'Bad Request' });
}
