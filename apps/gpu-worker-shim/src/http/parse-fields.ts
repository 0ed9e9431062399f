import { FoveaError } from '@fovea/errors';
import type { z } from 'zod';
import { MalformedRequest } from './vllm-error.js';

/** A path the way a client would write it: `messages[0].content`. */
function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
}

/** What vLLM finds while it reads the body, before it looks at values: a wrong type, a word nobody knows. */
const shapeIssues = new Set(['invalid_type', 'invalid_union', 'invalid_value', 'unrecognized_keys']);

/**
 * Checks the fields of a body one by one and throws for the first that is wrong, with its path: `MalformedRequest` when its
 * shape is. What is out of bounds is `INVALID_REQUEST` where vLLM checks bounds in its engine, as it does with sampling
 * parameters, and a matter of shape where it checks them in its schema.
 */
export function parseFields<T>(schema: z.ZodType<T>, body: unknown, boundsIn: 'schema' | 'engine'): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = fieldPath(issue?.path ?? []);
  if (issue === undefined || path === '') throw new MalformedRequest('The body must be a JSON object.');
  const message = `${path}: ${issue.message}`;
  if (boundsIn === 'schema' || shapeIssues.has(issue.code)) throw new MalformedRequest(message, path);
  const param = issue.code === 'invalid_key' ? fieldPath(issue.path.slice(0, -1)) : path;
  throw new FoveaError('INVALID_REQUEST', { message, param });
}
