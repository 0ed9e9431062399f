import { describe, expect, it } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import { isNice } from './request-head.js';

const asked = (query: string): FastifyRequest => ({ url: `/complete${query}` }) as FastifyRequest;

describe('?nice', () => {
  it.each([
    ['', false],
    ['?', false],
    ['?other=1', false],
    ['?nice=false', false],
    ['?nice=true', true],
    ['?nice=True', true],
    ['?a=b&nice=true', true],
    ['?nice=false&nice=true', true],
  ])('in %j is %p', (query, expected) => {
    expect(isNice(asked(query))).toBe(expected);
  });

  it.each(['?nice', '?nice=', '?nice=1', '?nice=yes', '?nice=null'])('in %j is refused', (query) => {
    expect(() => isNice(asked(query))).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', param: 'nice' }),
    );
  });
});
