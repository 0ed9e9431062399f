import { types } from 'node:util';
import { pino } from 'pino';
import { redactLine } from './redact-text.js';
import { redactValue } from './redact-value.js';

export type Logger = pino.Logger;

export interface LoggerOptions {
  /** Which process this is: `gateway`, `worker-adapter`, `gpu-worker-shim`. */
  readonly service: string;
  /** A pino level or `silent`. */
  readonly level: string;
  /** Standard output by default. */
  readonly destination?: NodeJS.WritableStream;
}

/** More arguments than any call site has; format strings take no more. */
const MAX_ARGUMENTS = 8;

/** A format argument becomes text here: pino would call the `toString` of a logged object, which may be a field. */
const asFormatArgument = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : value;

/** pino looks for `instanceof Error`, which a redacted copy no longer is, so errors get their field here. */
function redactArguments(given: readonly unknown[]): unknown[] {
  const [first, ...rest] = given.slice(0, MAX_ARGUMENTS).map(redactValue);
  return [types.isNativeError(given[0]) ? { err: first } : first, ...rest.map(asFormatArgument)];
}

/** pino formats the bindings of the root logger only; `child` and `setBindings` need a hand. */
function guardBindings(logger: Logger): Logger {
  const guarded = (bindings: object): pino.Bindings => {
    const safe = redactValue(bindings);
    return typeof safe === 'object' && safe !== null ? { ...safe } : {};
  };
  const { child, setBindings } = logger;
  // Children are made with their parent as prototype, so all descendants inherit these two.
  return Object.assign(logger, {
    child(this: Logger, bindings: pino.Bindings, options?: pino.ChildLoggerOptions): Logger {
      return Reflect.apply(child, this, [guarded(bindings), options]);
    },
    setBindings(this: Logger, bindings: pino.Bindings): void {
      Reflect.apply(setBindings, this, [guarded(bindings)]);
    },
  });
}

/**
 * JSON lines with ISO time, level name and `service`; `logger.child({ requestId })` for everything of one request.
 * Media, keys and users' words cannot reach a line: every argument and binding is replaced by a redacted copy,
 * and the finished line passes a last gate.
 */
export function createLogger(options: LoggerOptions): Logger {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
    // pino's own would look for error fields in the copy once more.
    serializers: { err: (error: unknown) => error },
    hooks: {
      logMethod(given, method) {
        method.apply(this, redactArguments(given) as Parameters<typeof method>);
      },
      streamWrite: redactLine,
    },
  };
  return guardBindings(
    options.destination === undefined ? pino(settings) : pino(settings, options.destination),
  );
}
