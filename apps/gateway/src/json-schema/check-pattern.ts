import { overSchemaLimit, refuseSchema } from './refuse.js';
import { schemaLimits } from './schema-limits.js';

const counted = /\{(\d+)(?:,(\d*))?\}/g;

function isRegularExpression(pattern: string): boolean {
  for (const flags of ['u', '']) {
    try {
      new RegExp(pattern, flags);
      return true;
    } catch {
      // The other dialect may know it.
    }
  }
  return false;
}

/**
 * Refuses a regular expression that an engine would choke on: too long, not one at all, or with counted repetitions whose
 * product is over the limit. It is never run here.
 */
export function checkPattern(pattern: string, path: string): void {
  if (pattern.length > schemaLimits.patternChars) {
    throw overSchemaLimit(path, 'max_schema_pattern_chars', schemaLimits.patternChars, 'its characters');
  }
  if (!isRegularExpression(pattern)) throw refuseSchema(path, 'is not a regular expression');
  // The product is an upper bound: repetitions side by side only add up.
  let product = 1;
  for (const [, least, most] of pattern.matchAll(counted)) {
    product *= Math.max(1, Number(least), most === undefined || most === '' ? 0 : Number(most));
    if (product > schemaLimits.repetitions) {
      throw overSchemaLimit(path, 'max_schema_repetitions', schemaLimits.repetitions, 'its repetitions');
    }
  }
}
