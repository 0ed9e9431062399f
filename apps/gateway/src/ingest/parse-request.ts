import { FoveaError } from '@fovea/errors';
import type { z } from 'zod';
import { formatPath } from './field-path.js';

type Issue = z.core.$ZodIssue;

/** A value of the right type that breaks a bound says more than one of another type. */
const isOfAnotherType = ({ code }: Issue): boolean =>
  code === 'invalid_type' || code === 'invalid_union' || code === 'invalid_value';

/**
 * Of a failed union, the issue of the branch that got furthest: a client who sent a list of parts wants to
 * read about the part, not that the list is no string; one who sent too many texts, that they are too many, not that the
 * first is no number.
 */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  let best: Issue | undefined;
  for (const branch of issue.errors) {
    for (const inner of branch) {
      const found = deepest({ ...inner, path: [...issue.path, ...inner.path] } as Issue);
      if (best === undefined || gotFurther(found, best)) best = found;
    }
  }
  return best ?? issue;
}

function gotFurther(found: Issue, best: Issue): boolean {
  const [here, there] = [isOfAnotherType(found), isOfAnotherType(best)];
  return here === there ? found.path.length > best.path.length : !here;
}

/** Zod’s own words, but for JavaScript’s: a field that is not there is no value of a JSON document. */
const plainMessage = ({ message }: Issue): string =>
  message.replace(/^Invalid input: expected (.*), received undefined$/, 'expected $1, found nothing');

/** Parses a value with a schema; throws `INVALID_REQUEST` with the path of the first field that is wrong. */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const first = result.error.issues[0];
  if (first === undefined) throw new FoveaError('INVALID_REQUEST');
  const issue = deepest(first);
  const param = formatPath(issue.path);
  const message = plainMessage(issue);
  throw new FoveaError('INVALID_REQUEST', {
    message: param === '' ? message : `${param}: ${message}`,
    param: param === '' ? undefined : param,
  });
}

/** Explicit nulls on the top level mean "absent" to existing clients. */
export function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}
