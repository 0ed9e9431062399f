import { errorCodes, FoveaError } from '@fovea/errors';
import { openAiErrorSchema, phariaErrorSchema } from '@fovea/schemas/http';
import { describe, expect, it } from '@jest/globals';
import { errorBody, fromEvent, retryAfterS } from './error-body.js';

describe('error bodies', () => {
  it('are nested with a code on top for OpenAI-shaped routes, flat for Pharia-native ones, with and without /v1', () => {
    const limit = { name: 'max_image_side_px', value: 4000, actual: 4001 };
    const error = new FoveaError('IMAGE_TOO_LARGE', { message: 'too large', param: 'a[0].b', limit });
    for (const url of ['/chat/completions', '/v1/chat/completions?nice=true', '/models', '/nothing']) {
      expect(errorBody(url, error)).toEqual({
        error: {
          message: 'too large',
          type: 'invalid_request_error',
          param: 'a[0].b',
          code: 'IMAGE_TOO_LARGE',
          limit,
        },
        code: 'IMAGE_TOO_LARGE',
      });
    }
    for (const url of ['/model-settings', '/v1/models_available', '/v1/limits?x=1', '/limits/']) {
      expect(errorBody(url, error)).toEqual({
        error: 'too large',
        code: 'IMAGE_TOO_LARGE',
        param: 'a[0].b',
        limit,
      });
    }
  });

  it('are what the documented schemas say, for every code', () => {
    for (const code of errorCodes) {
      const error = new FoveaError(code);
      openAiErrorSchema.parse(errorBody('/chat/completions', error));
      phariaErrorSchema.parse(errorBody('/limits', error));
    }
  });

  it('come with Retry-After on 429 and 503 only, as a whole number of at least one second', () => {
    for (const code of errorCodes) {
      const error = new FoveaError(code, { retryAfterS: 0.2 });
      expect(retryAfterS(error)).toBe(error.status === 429 || error.status === 503 ? 1 : undefined);
    }
  });

  it('keep everything a worker said of an error', () => {
    const limit = { name: 'max_model_len', value: 512 };
    const event = {
      type: 'error',
      code: 'CONTEXT_LENGTH_EXCEEDED',
      message: 'too long',
      param: 'messages',
      limit,
    } as const;
    expect(fromEvent(event)).toMatchObject({
      code: 'CONTEXT_LENGTH_EXCEEDED',
      message: 'too long',
      param: 'messages',
      limit,
    });
  });
});
