import type { Dialect } from '../dialect.js';
import type { Checks } from '../generation/check-sampling.js';
import type { SamplingBody } from '../generation/sampling-schema.js';
import { VllmError } from '../http/vllm-error.js';
import { minimalJson } from './minimal-json.js';
import { minimalMatch } from './minimal-match.js';

const kinds = ['json', 'regex', 'choice', 'grammar', 'json_object', 'structural_tag'] as const;
type Kind = (typeof kinds)[number];

interface Constraint {
  readonly kind: Kind;
  readonly value: unknown;
}

function wantedBy(body: SamplingBody, dialect: Dialect): Constraint[] {
  const named: Readonly<Record<string, unknown>> =
    dialect.constraints === 'guided'
      ? {
          json: body.guided_json,
          regex: body.guided_regex,
          choice: body.guided_choice,
          grammar: body.guided_grammar,
        }
      : (body.structured_outputs ?? {});
  return kinds.flatMap((kind) => (named[kind] == null ? [] : [{ kind, value: named[kind] }]));
}

/** The schema of a `response_format` of type `json_schema`; OpenAI puts it in a wrapper with a name. */
function schemaOf(body: SamplingBody): unknown {
  const wrapper = body.response_format?.json_schema;
  return typeof wrapper === 'object' && wrapper !== null && 'schema' in wrapper ? wrapper.schema : undefined;
}

export const constraintChecks: Checks<SamplingBody> = [
  [
    'structured_outputs',
    (body, { dialect }) =>
      wantedBy(body, dialect).length > 1 &&
      'You can only use one kind of constraints for structured outputs (json, regex, choice, grammar).',
  ],
  [
    'response_format',
    (body) =>
      body.response_format?.type === 'json_schema' &&
      schemaOf(body) === undefined &&
      "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
  ],
];

function constraintOf(body: SamplingBody, dialect: Dialect): Constraint | undefined {
  const [direct] = wantedBy(body, dialect);
  if (direct !== undefined) return direct;
  if (body.response_format?.type === 'json_object') return { kind: 'json_object', value: true };
  if (body.response_format?.type === 'json_schema') return { kind: 'json', value: schemaOf(body) };
  return undefined;
}

function textFor({ kind, value }: Constraint): string | undefined {
  switch (kind) {
    case 'json':
      return JSON.stringify(minimalJson(typeof value === 'string' ? JSON.parse(value) : value));
    case 'json_object':
      return '{}';
    case 'regex':
      return minimalMatch(String(value));
    case 'choice':
      return Array.isArray(value) && value.length > 0 ? String(value[0]) : undefined;
    default:
      // A grammar or a tag is not followed: the answer is the ordinary text.
      return undefined;
  }
}

/**
 * The smallest answer that satisfies the request's constraint; undefined without one. A bad schema or pattern is
 * found by the engine only, so it comes back as the refusal a stream begins with.
 */
export function constrainedText(
  body: SamplingBody,
  dialect: Dialect,
): { text?: string | undefined; refusal?: VllmError } {
  const constraint = constraintOf(body, dialect);
  if (constraint === undefined) return {};
  try {
    return { text: textFor(constraint) };
  } catch (error) {
    return { refusal: new VllmError(400, `Failed to compile the constraint: ${(error as Error).message}`) };
  }
}
