import { Ajv, type ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

type Validator = Pick<Ajv, 'validateSchema' | 'errors'>;

const options = { strict: false, validateFormats: false, logger: false } as const;
const dialects: Record<'draft7' | 'draft2020', () => Validator> = {
  draft7: () => new Ajv(options),
  draft2020: () => new Ajv2020(options),
};
const made = new Map<keyof typeof dialects, Validator>();

/** Made at the first need: compiling a meta-schema takes tens of milliseconds, and few requests bring a schema. */
function validatorOf(dialect: keyof typeof dialects): Validator {
  const known = made.get(dialect);
  if (known !== undefined) return known;
  const validator = dialects[dialect]();
  made.set(dialect, validator);
  return validator;
}

export interface SchemaProblem {
  /** Keys from the schema's root to the place that is wrong. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function messageOf(error: ErrorObject | undefined): string {
  const allowed: unknown = error?.params.allowedValues;
  if (Array.isArray(allowed)) return `must be one of ${allowed.join(', ')}`;
  return error?.message ?? 'is not a JSON schema';
}

/** The steps of a JSON pointer (RFC 6901) into `root`; a number where it goes into a list. */
function pathOf(pointer: string, root: unknown): (string | number)[] {
  let at = root;
  return pointer
    .split('/')
    .slice(1)
    .map((step) => {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      const isList = Array.isArray(at);
      at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
      return isList ? Number(key) : key;
    });
}

/**
 * What is wrong with a schema by its meta-schema; undefined when nothing is. A schema that names draft 7 or older is held
 * against draft 7, every other against 2020-12.
 */
export function metaSchemaProblem(schema: Readonly<Record<string, unknown>>): SchemaProblem | undefined {
  const { $schema, ...rest } = schema;
  const isOld = typeof $schema === 'string' && /draft-0?[3-7]\b/.test($schema);
  const validator = validatorOf(isOld ? 'draft7' : 'draft2020');
  // Without `$schema`: the validator would look for any other dialect's meta-schema.
  if (validator.validateSchema(rest) === true) return undefined;
  const first = validator.errors?.[0];
  return { path: pathOf(first?.instancePath ?? '', rest), message: messageOf(first) };
}
