import { catalogue, type ErrorCode, FoveaError } from '@fovea/errors';
import type { ErrorEvent } from '@fovea/schemas/events';
import type { OpenAiErrorWire, PhariaErrorWire } from '@fovea/schemas/http';
import { routes } from '../openapi/routes/all-routes.js';

/** Routes of the PhariaInference API that OpenAI does not have; they answer errors in Pharia's flat form. */
const phariaNative = routes
  .filter(({ errorBody: dialect }) => dialect === 'PhariaError')
  .map(({ path }) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`));

/** `/v1/x` and `/x` are one route. */
export const routePath = (url: string): string => {
  const path = url.split('?', 1)[0] ?? '/';
  return path.replace(/^\/v1(?=\/)/, '');
};

export function toOpenAiBody(error: FoveaError): OpenAiErrorWire {
  const { code } = error;
  const limit = error.limit === undefined ? {} : { limit: { ...error.limit } };
  return {
    error: { message: error.message, type: catalogue[code].type, param: error.param ?? null, code, ...limit },
    code,
  };
}

export function toPhariaBody(error: FoveaError): PhariaErrorWire {
  const param = error.param === undefined ? {} : { param: error.param };
  const limit = error.limit === undefined ? {} : { limit: { ...error.limit } };
  return { error: error.message, code: error.code, ...param, ...limit };
}

/** The body in the dialect of the route that was asked. */
export function errorBody(url: string, error: FoveaError): OpenAiErrorWire | PhariaErrorWire {
  const path = routePath(url);
  return phariaNative.some((route) => route.test(path)) ? toPhariaBody(error) : toOpenAiBody(error);
}

/** `Retry-After` goes out on 429 and 503 only: on a 413 it would make clients send the same body again. */
export function retryAfterS(error: FoveaError): number | undefined {
  if (error.status !== 429 && error.status !== 503) return undefined;
  return Math.max(1, Math.ceil(error.retryAfterS ?? 1));
}

/** A worker's error event as the error it stands for. */
export function fromEvent(event: ErrorEvent): FoveaError {
  const code: ErrorCode = event.code;
  return new FoveaError(code, {
    message: event.message,
    param: event.param,
    limit: event.limit === undefined ? undefined : definedLimit(event.limit),
    retryAfterS: event.retryAfterS,
    mayRetry: event.mayRetry,
  });
}

function definedLimit(limit: NonNullable<ErrorEvent['limit']>): NonNullable<FoveaError['limit']> {
  const { name, value, actual } = limit;
  return actual === undefined ? { name, value } : { name, value, actual };
}
