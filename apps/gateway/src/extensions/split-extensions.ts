import { extensionSchemas } from '@fovea/schemas/http';
import { z } from 'zod';
import { checkJsonSchema } from '../json-schema/check-json-schema.js';
import { checkPattern } from '../json-schema/check-pattern.js';
import { refuse } from '../tasks/refusals.js';

type Fields = Readonly<Record<string, unknown>>;

export interface SplitExtensions {
  readonly extensions: Record<string, unknown>;
  /** Keys that were dropped. */
  readonly ignored: string[];
}

const TEMPLATE = 'chat_template_kwargs';
const templateValue = z.union([z.string().max(1_000), z.number(), z.boolean()]);
const schemas = new Map<string, z.ZodType>(Object.entries(extensionSchemas));

/**
 * Takes the engine extensions that the package lists out of the unknown keys of a request and checks their values.
 * Of `chat_template_kwargs` only scalars pass, each by a listed name of its own (`chat_template_kwargs.enable_thinking`): a
 * template can loop over a list for as long as it likes (CVE-2025-62426).
 */
export function splitExtensions(unknown: Fields, offered: readonly string[]): SplitExtensions {
  const extensions: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(unknown)) {
    const schema = schemas.get(key);
    if (key === TEMPLATE) {
      const template = splitTemplateValues(value, offered);
      ignored.push(...template.ignored);
      if (Object.keys(template.extensions).length > 0) extensions[key] = template.extensions;
    } else if (schema !== undefined && offered.includes(key)) {
      extensions[key] = parse(schema, value, key);
      checkConstraint(key, extensions[key]);
    } else {
      ignored.push(key);
    }
  }
  return { extensions, ignored };
}

function splitTemplateValues(value: unknown, offered: readonly string[]): SplitExtensions {
  const fields = parse(z.record(z.string(), z.unknown()), value, TEMPLATE);
  const extensions: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const path = `${TEMPLATE}.${name}`;
    if (offered.includes(path)) extensions[name] = parse(templateValue, field, path);
    else ignored.push(path);
  }
  return { extensions, ignored };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = [path, ...(issue?.path ?? []).map(String)].join('.');
  throw refuse(`${at}: ${issue?.message ?? 'wrong value'}`, at);
}

const record = z.record(z.string(), z.unknown());

/** Schemas and expressions within an extension are bounded like those of `response_format`. */
function checkConstraint(key: string, value: unknown): void {
  if (key === 'guided_json') checkJsonSchema(record.parse(value), [key]);
  if (key === 'guided_regex' && typeof value === 'string') checkPattern(value, key);
  if (key !== 'structured_outputs') return;
  const { json, regex } = record.parse(value);
  if (json !== undefined) checkJsonSchema(record.parse(json), [key, 'json']);
  if (typeof regex === 'string') checkPattern(regex, `${key}.regex`);
}
