import type { z } from 'zod';
import { MalformedRequest } from './vllm-error.js';

/** A path the way a client would write it: `messages[0].content`. */
function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
}

/** Checks the fields of a body one by one. Throws `MalformedRequest` with the first field that is wrong. */
export function parseFields<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = fieldPath(issue?.path ?? []);
  if (path === '') throw new MalformedRequest('The body must be a JSON object.');
  throw new MalformedRequest(`${path}: ${issue?.message ?? 'is not valid'}`, path);
}
