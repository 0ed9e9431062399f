import { formatPath } from '../ingest/field-path.js';
import { checkPattern } from './check-pattern.js';
import { metaSchemaProblem } from './meta-schema.js';
import { overSchemaLimit, refuseSchema } from './refuse.js';
import { schemaLimits } from './schema-limits.js';

type Path = readonly (string | number)[];

const counts = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties']);
const references = new Set(['$ref', '$dynamicRef', '$recursiveRef']);
/** Their values are data of the client, not schemas. */
const data = new Set(['const', 'enum', 'default', 'examples']);

/** Their keys are names that the client chose, not keywords. */
const named = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/** What the keys of an object are. */
type Kind = 'keywords' | 'names' | 'data';

function kindWithin(kind: Kind, key: string): Kind {
  if (kind === 'data' || (kind === 'keywords' && data.has(key))) return 'data';
  return kind === 'keywords' && named.has(key) ? 'names' : 'keywords';
}

class Walk {
  #nodes = 0;

  value(value: unknown, path: Path, kind: Kind, depth = 0): void {
    this.#nodes += 1;
    if (this.#nodes > schemaLimits.nodes) {
      throw overSchemaLimit(
        formatPath(path),
        'max_schema_nodes',
        schemaLimits.nodes,
        'the values of a schema',
      );
    }
    if (depth > schemaLimits.depth) {
      throw overSchemaLimit(formatPath(path), 'max_schema_depth', schemaLimits.depth, 'its depth');
    }
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.value(item, [...path, index], kind, depth + 1);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, field] of Object.entries(value)) {
        const at = [...path, key];
        if (kind === 'keywords') this.#keyword(key, field, at);
        this.value(field, at, kindWithin(kind, key), depth + 1);
      }
    }
  }

  #keyword(key: string, value: unknown, path: Path): void {
    if (key === 'pattern' && typeof value === 'string') checkPattern(value, formatPath(path));
    if (key === 'patternProperties' && typeof value === 'object' && value !== null) {
      for (const pattern of Object.keys(value)) checkPattern(pattern, formatPath([...path, pattern]));
    }
    if (counts.has(key) && typeof value === 'number' && value > schemaLimits.repetitions) {
      throw overSchemaLimit(formatPath(path), 'max_schema_repetitions', schemaLimits.repetitions, 'it');
    }
    // An engine that resolved one would fetch what a client names.
    if (references.has(key) && typeof value === 'string' && !value.startsWith('#')) {
      throw refuseSchema(formatPath(path), 'may only refer to the schema itself (#…)');
    }
  }
}

/**
 * Refuses what is no JSON schema, or one that is too large for an engine, with `INVALID_REQUEST` and the path within it.
 * `path` is where the client put it: `response_format.json_schema.schema`.
 */
export function checkJsonSchema(schema: Readonly<Record<string, unknown>>, path: Path): void {
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > schemaLimits.bytes) {
    throw overSchemaLimit(formatPath(path), 'max_schema_bytes', schemaLimits.bytes, 'the bytes of a schema');
  }
  new Walk().value(schema, path, 'keywords');
  const problem = metaSchemaProblem(schema);
  if (problem !== undefined) throw refuseSchema(formatPath([...path, ...problem.path]), problem.message);
}
