import { z } from 'zod';
import type { FindPosition } from './key-positions.js';
import type { WorkerFileProblem } from './worker-file-error.js';

type Path = readonly PropertyKey[];

/** Names of models are free text and always quoted; other keys only where TOML asks for it. */
export function pathText(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key);
      const isModelName = index === 2 && path[0] === 'queue' && path[1] === 'models';
      const text = isModelName || !/^[A-Za-z0-9_-]+$/.test(name) ? JSON.stringify(name) : name;
      return index === 0 ? text : `.${text}`;
    })
    .join('');
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? Reflect.get(inner, key)
        : undefined,
    value,
  );
}

const MAX_SHOWN_CHARACTERS = 60;
const mayBeSecret = /token|key|url|password|secret/i;

function foundText(value: unknown, path: Path): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a table';
  if (typeof value !== 'string') return String(value);
  if (path.some((key) => mayBeSecret.test(String(key)))) return 'a string';
  const isLong = value.length > MAX_SHOWN_CHARACTERS;
  return JSON.stringify(isLong ? `${value.slice(0, MAX_SHOWN_CHARACTERS)}…` : value);
}

/** Zod's texts say "expected" and what was received; the list says both itself. */
function expectedText(message: string): string {
  return message
    .replace(/^Invalid (input|option): expected /, '')
    .replace(/, received .*$/, '')
    .replace('record', 'table')
    .replace(/^object$/, 'a table')
    .replace(/^array$/, 'a list')
    .replace(/^(string|number|boolean|table)$/, 'a $1');
}

/** Issues of the schema as problems, in the order of the file's sections. */
export function toProblems(error: z.ZodError, content: unknown, find: FindPosition): WorkerFileProblem[] {
  return error.issues.map((issue) => {
    const position = find(issue.path);
    return {
      where: pathText(issue.path),
      ...(position === undefined ? {} : { position }),
      found: foundText(valueAt(content, issue.path), issue.path),
      expected: expectedText(issue.message),
    };
  });
}

function unwrap(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap();
  }
  return inner;
}

/** Paths of keys that the schema does not know: most likely misspelt, or of another version. */
export function unknownKeys(schema: unknown, value: unknown, path: Path = []): Path[] {
  const known = unwrap(schema);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  if (known instanceof z.ZodRecord) {
    return Object.entries(value).flatMap(([key, inner]) =>
      unknownKeys(known.valueType, inner, [...path, key]),
    );
  }
  if (!(known instanceof z.ZodObject)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    Object.hasOwn(known.shape, key) ? unknownKeys(known.shape[key], inner, [...path, key]) : [[...path, key]],
  );
}
