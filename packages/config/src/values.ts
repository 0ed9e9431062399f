import { z } from 'zod';

/**
 * Values from strings. Each schema's message reads on after "expected": the list of problems is made of them.
 * Text around a value is trimmed, except in `text`, where blanks may be meant.
 */
type Parsed<T> = { readonly value: T } | undefined;

/** A schema from a parser that returns undefined for text it does not take. */
function fromText<T>(expected: string, parse: (text: string) => Parsed<T>): z.ZodType<T> {
  return z.string({ error: () => expected }).transform((text, context): T => {
    const parsed = parse(text);
    if (parsed !== undefined) return parsed.value;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

function describeRange(kind: string, { min, max }: Range): string {
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`;
  if (min !== undefined) return `${kind} of at least ${min}`;
  return max === undefined ? kind : `${kind} of at most ${max}`;
}

const inRange = (value: number, { min = -Infinity, max = Infinity }: Range): boolean =>
  value >= min && value <= max;

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

function numeric(kind: string, shape: RegExp, range: Range): z.ZodType<number> {
  return fromText(describeRange(kind, range), (text) => {
    const trimmed = text.trim();
    const value = Number(trimmed);
    return shape.test(trimmed) && Number.isFinite(value) && inRange(value, range) ? { value } : undefined;
  });
}

/** A whole number that a double can hold exactly. */
export function integer(range: Range = {}): z.ZodType<number> {
  return numeric('a whole number', /^[+-]?\d{1,15}$/, range);
}

/** A decimal number. */
export function number(range: Range = {}): z.ZodType<number> {
  return numeric('a number', decimal, range);
}

/** A TCP port; 0 lets the system choose a free one. */
export function port(): z.ZodType<number> {
  return numeric('a port number', /^\d{1,5}$/, { min: 0, max: 65_535 });
}

/** Seconds, as a decimal number; not negative unless `range` says otherwise. */
export function durationS(range: Range = {}): z.ZodType<number> {
  return numeric('seconds, as a number', decimal, { min: 0, ...range });
}

const truths = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['no', false],
]);

/** A switch. */
export function flag(): z.ZodType<boolean> {
  return fromText('true or false (also 1, 0, yes, no)', (text) => {
    const value = truths.get(text.trim().toLowerCase());
    return value === undefined ? undefined : { value };
  });
}

/** Comma separated entries, trimmed; empty ones are dropped. */
export function list(): z.ZodType<readonly string[]> {
  return fromText('a comma separated list', (text) => ({
    value: Object.freeze(
      text
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    ),
  }));
}

/** One of a few words. */
export function oneOf<const T extends string>(words: readonly T[]): z.ZodType<T> {
  return fromText(`one of ${words.join(', ')}`, (text) => {
    const value = words.find((word) => word === text.trim());
    return value === undefined ? undefined : { value };
  });
}

export interface TextOptions {
  readonly pattern?: RegExp;
  /** Completes "expected …"; give it together with `pattern`. */
  readonly expected?: string;
}

/** Text as it is. */
export function text({ pattern, expected = 'some text' }: TextOptions = {}): z.ZodType<string> {
  return fromText(expected, (value) =>
    pattern === undefined || pattern.test(value) ? { value } : undefined,
  );
}

/** An address of one of these protocols with a host, without trailing slash; undefined for anything else. */
function parseUrl(protocols: readonly string[], text: string): string | undefined {
  const trimmed = text.trim();
  const parsed = URL.canParse(trimmed) ? new URL(trimmed) : undefined;
  const isUsable = parsed !== undefined && protocols.includes(parsed.protocol) && parsed.hostname !== '';
  return isUsable ? trimmed.replace(/\/+$/, '') : undefined;
}

/** One `http(s)://` address or several, comma separated; without trailing slashes. */
export function httpUrls(): z.ZodType<readonly string[]> {
  return fromText('an http:// or https:// address, or several with commas between them', (value) => {
    const urls = value.split(',').map((text) => parseUrl(['http:', 'https:'], text));
    const usable = urls.filter((url) => url !== undefined);
    return usable.length === urls.length ? { value: Object.freeze(usable) } : undefined;
  });
}

/** A `redis(s)://` address, without trailing slash. */
export function redisUrl(): z.ZodType<string> {
  return fromText('a redis:// or rediss:// address', (text) => {
    const value = parseUrl(['redis:', 'rediss:'], text);
    return value === undefined ? undefined : { value };
  });
}
