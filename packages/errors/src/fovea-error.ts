import { catalogue, type ErrorCode, type ErrorEntry } from './catalogue.js';

const marker = Symbol.for('fovea.error');

export interface FoveaErrorOptions {
  /** Public text; the catalogue's text when left out. Never put upstream addresses, keys or media here. */
  readonly message?: string;
  /** Path of the offending field, as a client would write it: `messages[0].content[1].image_url.url`. */
  readonly param?: string | undefined;
  /** The limit that was hit, by name and value: `{ name: 'max_image_side_px', value: 4000 }`. */
  readonly limit?: { readonly name: string; readonly value: number; readonly actual?: number } | undefined;
  /** Seconds for the `Retry-After` header; only 429 and 503 send it. */
  readonly retryAfterS?: number | undefined;
  /** False when sending the same request again would do harm; goes out as `x-should-retry: false`. */
  readonly mayRetry?: false | undefined;
  /** What only the log may know. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/** An error from the catalogue. Everything else that is thrown is a bug and becomes `INTERNAL`. */
export class FoveaError extends Error {
  override readonly name = 'FoveaError';
  readonly [marker] = true;
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly limit: FoveaErrorOptions['limit'];
  readonly retryAfterS: number | undefined;
  readonly mayRetry: false | undefined;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, options: FoveaErrorOptions = {}) {
    super(
      options.message ?? catalogue[code].text,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.param = options.param;
    this.limit = options.limit;
    this.retryAfterS = options.retryAfterS;
    this.mayRetry = options.mayRetry;
    this.detail = options.detail;
  }

  get entry(): ErrorEntry {
    return catalogue[this.code];
  }

  get status(): number {
    return this.entry.status;
  }

  /** Survives duplicate copies of this package, where `instanceof` does not. */
  static isInstance(value: unknown): value is FoveaError {
    return typeof value === 'object' && value !== null && marker in value;
  }

  /** The error itself, or `INTERNAL` around anything that is not ours. */
  static from(value: unknown): FoveaError {
    if (FoveaError.isInstance(value)) return value;
    const detail = value instanceof Error ? value.message : String(value);
    return new FoveaError('INTERNAL', { cause: value, detail });
  }
}
