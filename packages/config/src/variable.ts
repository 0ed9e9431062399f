import type { z } from 'zod';

/** One environment variable: how its text becomes a value, and what the reference page says of it. */
export interface Variable<T> {
  /** Takes the variable's text, or undefined when it is not set. */
  readonly schema: z.ZodType<T>;
  /** One sentence for `docs/reference/env.md`. */
  readonly help: string;
  /** The value is never shown, and may come as `<NAME>_FILE`, the path of a file that holds it. */
  readonly secret?: boolean;
  /** Says where the default comes from when it is not a constant (`a free port`). */
  readonly defaultText?: string;
}

export type Variables = Readonly<Record<string, Variable<unknown>>>;

/** The configuration that a record of variables describes. */
export type ConfigOf<V> = { readonly [K in keyof V]: V[K] extends Variable<infer T> ? T : never };

/** Declares a variable. Its type follows from the schema; `.optional()` and `.default(…)` make it optional. */
export function variable<T>(
  schema: z.ZodType<T>,
  meta: { readonly help: string; readonly secret?: boolean; readonly defaultText?: string },
): Variable<T> {
  return { schema, ...meta };
}

/** Name of the variable that holds the path of a secret's file. */
export const fileVariable = (name: string): string => `${name}_FILE`;

/** One row of the generated reference page. */
export interface VariableRow {
  readonly name: string;
  readonly help: string;
  /** As text; empty when there is none. */
  readonly default: string;
  readonly secret: boolean;
  readonly required: boolean;
}

function defaultOf(declared: Variable<unknown>, value: unknown): string {
  if (declared.defaultText !== undefined) return declared.defaultText;
  if (value === undefined || declared.secret === true) return '';
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** Rows for the generated reference page, in the order of the declarations. */
export function variableRows(variables: Variables): VariableRow[] {
  return Object.entries(variables).map(([name, declared]) => {
    const unset = declared.schema.safeParse(undefined);
    return {
      name,
      help: declared.help,
      default: defaultOf(declared, unset.success ? unset.data : undefined),
      secret: declared.secret === true,
      required: !unset.success,
    };
  });
}
