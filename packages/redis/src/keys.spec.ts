import { describe, expect, it } from '@jest/globals';
import { encodeName, filesKey, laneKeyPrefix, modelsKey, requestKey, tenantKey } from './keys.js';

describe('key names', () => {
  it('put everything of a request, a lane and the registry under one hash tag each', () => {
    expect(requestKey('0190-a', 'log')).toBe('{r:0190-a}:log');
    expect(laneKeyPrefix('llama-3', 'text')).toBe('{q:llama-3:text}');
    expect(modelsKey('packages')).toBe('{models}:packages');
    expect(filesKey('acme', 'bytes')).toBe('{f:acme}:bytes');
    expect(tenantKey('acme', 'requests')).toBe('{t:acme}:requests');
  });

  it('let no name close a hash tag or forge a separator', () => {
    expect(laneKeyPrefix('a}:b{c', 'media')).toBe('{q:a%7D%3Ab%7Bc:media}');
    expect(encodeName("org/model:1*('x')!")).toMatch(/^[\w%.~-]+$/);
  });

  it('keep different names apart', () => {
    const names = ['a b', 'a%20b', 'a+b', 'A b', 'ä', 'a\u0308'];
    expect(new Set(names.map(encodeName)).size).toBe(names.length);
  });
});
