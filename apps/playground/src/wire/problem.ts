/** What went wrong, in the words of the API's errors; some are found here before anything is sent. */
export interface Problem {
  /** From the error catalogue, or `OFFLINE` when no answer came at all. */
  readonly code: string;
  readonly message: string;
  /** Path of the field at fault. */
  readonly param?: string | undefined;
  readonly limit?: { readonly name: string; readonly value: number; readonly actual?: number } | undefined;
  readonly requestId?: string | undefined;
}

/** A problem on its way to where it is shown. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
    this.name = 'ProblemError';
  }
}

type Fields = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

function limitOf(value: unknown): Problem['limit'] {
  if (!isRecord(value) || typeof value.name !== 'string' || typeof value.value !== 'number') return undefined;
  const limit = { name: value.name, value: value.value };
  return typeof value.actual === 'number' ? { ...limit, actual: value.actual } : limit;
}

/** An error body in either dialect, or undefined for what is none. */
export function problemIn(body: unknown, requestId: string | undefined): Problem | undefined {
  if (!isRecord(body) || body.error === undefined) return undefined;
  const fields: Fields = isRecord(body.error) ? body.error : { ...body, message: body.error };
  return {
    code: text(fields.code) ?? text(body.code) ?? 'INTERNAL',
    message: text(fields.message) ?? 'Something went wrong.',
    param: text(fields.param),
    limit: limitOf(fields.limit),
    requestId,
  };
}

/** What an answer with an error status says; a proxy in between may have written it, as HTML or not at all. */
export function problemOf(status: number, body: string, requestId: string | undefined): Problem {
  const found = problemIn(parsed(body), requestId);
  if (found !== undefined) return found;
  return {
    code: `HTTP ${status}`,
    message: `The answer has status ${status} and no explanation.`,
    requestId,
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** What to do about it, where the message alone does not say so. */
const advice: Readonly<Record<string, string>> = {
  UNAUTHORIZED: 'Check the key.',
  IMAGE_TOO_LARGE: 'Scale it down or remove it.',
  PAYLOAD_TOO_LARGE: 'Remove a picture or begin anew.',
  CONTEXT_LENGTH_EXCEEDED: 'Shorten the text, remove a picture or begin anew.',
  RATE_LIMITED: 'Try again in a moment.',
  QUEUE_FULL: 'Try again in a moment.',
  MODEL_UNAVAILABLE: 'Start a worker for it or choose another model.',
  STREAM_INTERRUPTED: 'Ask again.',
  OFFLINE: 'Check that it runs, then try again.',
};

/** The problem as one or two sentences for a person. */
export function sentenceOf({ code, message }: Problem): string {
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  const hint = advice[code];
  return hint === undefined ? sentence : `${sentence} ${hint}`;
}

/** Code, field and limit: what one would write into a ticket. */
export function detailsOf({ code, param, limit }: Problem): string[] {
  const bound = limit === undefined ? undefined : `${limit.name} = ${limit.value}`;
  const actual = limit?.actual === undefined ? '' : ` (found ${limit.actual})`;
  return [code, param, bound === undefined ? undefined : `${bound}${actual}`].filter(
    (detail) => detail !== undefined,
  );
}
