import { describe, expect, it } from '@jest/globals';
import { catalogue, errorCodes, isErrorCode } from './catalogue.js';
import { FoveaError } from './fovea-error.js';

describe('FoveaError', () => {
  it('takes status and public text from the catalogue when the thrower gives none', () => {
    const error = new FoveaError('QUEUE_FULL', { retryAfterS: 3 });
    expect(error.status).toBe(503);
    expect(error.message).toBe(catalogue.QUEUE_FULL.text);
    expect(error.retryAfterS).toBe(3);
  });

  it('wraps a foreign error as INTERNAL and keeps its message out of the public text', () => {
    const error = FoveaError.from(new Error('connect ECONNREFUSED 10.0.0.7:6379'));
    expect(error.code).toBe('INTERNAL');
    expect(error.message).not.toContain('10.0.0.7');
    expect(error.detail).toContain('10.0.0.7');
  });

  it('recognises its own kind by a marker, not by class identity', () => {
    const error = new FoveaError('GONE');
    expect(FoveaError.from(error)).toBe(error);
    expect(FoveaError.isInstance(new Error('x'))).toBe(false);
    expect(FoveaError.isInstance(null)).toBe(false);
  });

  it('knows its codes and no inherited property name', () => {
    expect(errorCodes.every(isErrorCode)).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
    expect(isErrorCode(7)).toBe(false);
  });

  it('gives Retry-After-able codes a retryable flag', () => {
    for (const code of errorCodes) {
      if ([429, 503].includes(catalogue[code].status)) expect(catalogue[code].retryable).toBe(true);
    }
  });
});
