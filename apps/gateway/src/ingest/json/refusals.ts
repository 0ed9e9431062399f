import { FoveaError } from '@fovea/errors';

/** A byte that cannot stand where it stands. Inside the scanners only: the offset counts from the chunk's begin. */
export class Misstep extends Error {
  constructor(
    readonly at: number,
    readonly reason: 'syntax' | 'utf-8' = 'syntax',
  ) {
    super(reason);
  }
}

/** The texts quote nothing of the body, which may be media. `offset` counts bytes from the body's begin. */
export function invalidJson(offset: number, reason: Misstep['reason']): FoveaError {
  const what = reason === 'utf-8' ? 'The body is not valid UTF-8' : 'The body is not valid JSON';
  return new FoveaError('INVALID_REQUEST', { message: `${what} (at byte ${offset}).` });
}

export const cutOff = (): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message: 'The body is not valid JSON: it ends too early.' });

export const emptyBody = (): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message: 'The body is empty.' });

export const duplicateKey = (path: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message: `${path}: this key is there twice.`, param: path });

/** Beyond it a double rounds integers. */
export const MAX_JSON_NUMBER = Number.MAX_SAFE_INTEGER;

export const unsafeNumber = (path: string): FoveaError =>
  refusal(path, `numbers beyond ±${MAX_JSON_NUMBER} would be rounded; send a string.`, {
    name: 'max_json_number',
    value: MAX_JSON_NUMBER,
  });

export function overLimit(path: string, name: string, value: number): FoveaError {
  return refusal(path, `${limitTexts[name] ?? name} ${value}.`, { name, value });
}

const limitTexts: Record<string, string> = {
  max_json_depth: 'lists and objects may be nested to a depth of',
  max_json_containers: 'the body may hold as many lists and objects as',
  max_json_scalars: 'the body may hold as many values as',
  max_json_keys: 'an object may have as many keys as',
};

function refusal(path: string, text: string, limit?: { name: string; value: number }): FoveaError {
  return new FoveaError('INVALID_REQUEST', {
    message: path === '' ? `${text[0]?.toUpperCase()}${text.slice(1)}` : `${path}: ${text}`,
    param: path === '' ? undefined : path,
    limit,
  });
}

/** The limit of everything that is not media. */
export function tooMuchText(value: number): FoveaError {
  return new FoveaError('PAYLOAD_TOO_LARGE', {
    message: `The request without its media is over the limit of ${value} bytes.`,
    limit: { name: 'max_text_bytes', value },
  });
}
