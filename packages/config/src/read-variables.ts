import { readFileSync, statSync } from 'node:fs';
import { ConfigError, type ConfigProblem } from './config-error.js';
import { type ConfigOf, fileVariable, type Variable, type Variables } from './variable.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Adds a rule about several variables. `expected` is asked only when all of them were read without a problem;
 * the text it returns completes "expected …" and joins the list of problems.
 */
export type AddRule<V> = <K extends keyof V & string>(
  names: readonly K[],
  expected: (values: Pick<ConfigOf<V>, K>) => string | undefined,
) => void;

/** Declares rules about several variables: `(rule) => rule(['A', 'B'], ({ A, B }) => A > B ? 'A ≤ B' : undefined)`. */
export type Refine<V> = (rule: AddRule<V>) => void;

const MAX_SECRET_FILE_BYTES = 64 * 1024;
const MAX_SHOWN_CHARACTERS = 80;

const problem = (variable: string, found: string, expected: string): ConfigProblem => ({
  variable,
  found,
  expected,
});

/** An ordinary value may still be an address with a password or a signed query in it. */
function shown(text: string): string {
  const masked = text.replace(/^([a-z0-9+.-]+:\/\/)?.*@/is, '$1***@').replace(/\?.*$/s, '?***');
  const cut = masked.length > MAX_SHOWN_CHARACTERS ? `${masked.slice(0, MAX_SHOWN_CHARACTERS)}…` : masked;
  return JSON.stringify(cut);
}

function describeFound(declared: Variable<unknown>, text: string | undefined): string {
  if (text === undefined) return 'nothing';
  return declared.secret === true ? 'a value that is not shown' : shown(text);
}

const set = (env: Environment, name: string): string | undefined =>
  env[name] === '' ? undefined : env[name];

type Raw = { readonly text: string | undefined } | { readonly problem: ConfigProblem };

function readSecretFile(name: string, path: string): Raw {
  const expected = 'a readable file that holds the secret';
  try {
    // Opening a named pipe without a writer would block the start for ever.
    const facts = statSync(path);
    if (!facts.isFile()) return { problem: problem(name, `${shown(path)}, not a file`, expected) };
    if (facts.size > MAX_SECRET_FILE_BYTES) {
      return { problem: problem(name, `${facts.size} bytes`, `at most ${MAX_SECRET_FILE_BYTES} bytes`) };
    }
    const text = readFileSync(path, 'utf8').trim();
    return text === '' ? { problem: problem(name, 'an empty file', expected) } : { text };
  } catch (error) {
    const reason = typeof error === 'object' && error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: problem(name, `${shown(path)} (${reason})`, expected) };
  }
}

function rawText(name: string, declared: Variable<unknown>, env: Environment): Raw {
  const text = set(env, name);
  const path = declared.secret === true ? set(env, fileVariable(name)) : undefined;
  if (path === undefined) return { text };
  if (text === undefined) return readSecretFile(fileVariable(name), path);
  return { problem: problem(name, `both it and ${fileVariable(name)}`, 'one of the two') };
}

/** Zod's own messages begin with what the list says already. */
const expectation = (message: string): string => message.replace(/^Invalid \w+: (expected )?/, '');

/** Reads one variable into `values`, or returns what is wrong with it. */
function readOne(
  name: string,
  declared: Variable<unknown>,
  env: Environment,
  values: Map<string, unknown>,
): ConfigProblem | undefined {
  const raw = rawText(name, declared, env);
  if ('problem' in raw) return raw.problem;
  const parsed = declared.schema.safeParse(raw.text);
  if (!parsed.success) {
    const expected = parsed.error.issues.map((issue) => expectation(issue.message)).join('; ');
    return problem(name, describeFound(declared, raw.text), expected);
  }
  values.set(name, parsed.data);
  return undefined;
}

function runRules<V extends Variables>(
  refine: Refine<V>,
  variables: V,
  env: Environment,
  values: ReadonlyMap<string, unknown>,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  refine((names, expected) => {
    if (!names.every((name) => values.has(name))) return;
    const picked: unknown = Object.fromEntries(names.map((name) => [name, values.get(name)]));
    const text = expected(picked as Pick<ConfigOf<V>, (typeof names)[number]>);
    if (text === undefined) return;
    const found = names.map((name) => {
      const declared = variables[name]!;
      const fromFile = declared.secret === true && set(env, fileVariable(name)) !== undefined;
      return `${name}=${fromFile ? 'a file' : describeFound(declared, set(env, name))}`;
    });
    problems.push(problem(names.join(', '), found.join(' and '), text));
  });
  return problems;
}

/**
 * Reads the declared variables from an environment record into a frozen configuration.
 *
 * An empty string counts as unset; unknown variables are ignored. Throws `ConfigError` with every problem at once,
 * those of `refine` included.
 */
export function readVariables<V extends Variables>(
  variables: V,
  env: Environment,
  refine?: Refine<V>,
): Readonly<ConfigOf<V>> {
  const values = new Map<string, unknown>();
  const problems: ConfigProblem[] = [];
  for (const [name, declared] of Object.entries(variables)) {
    const found = readOne(name, declared, env, values);
    if (found !== undefined) problems.push(found);
  }
  if (refine !== undefined) problems.push(...runRules(refine, variables, env, values));
  if (problems.length > 0) throw new ConfigError(problems);
  const config: unknown = Object.freeze(Object.fromEntries(values));
  return config as Readonly<ConfigOf<V>>;
}
