import { describe, expect, it } from '@jest/globals';
import { ApiKeys } from './api-keys.js';

const keys = new ApiKeys([
  { tenant: 'alpha', key: 'key-a' },
  { tenant: 'beta', key: 'key-b' },
]);

describe('ApiKeys', () => {
  it('finds the tenant of a key, whatever the case of the scheme', () => {
    expect(keys.authenticate('Bearer key-a')).toEqual({ tenant: 'alpha' });
    expect(keys.authenticate('bearer key-b')).toEqual({ tenant: 'beta' });
  });

  it('knows nobody without a bearer key, with another scheme, or with part of a key', () => {
    for (const header of [
      undefined,
      '',
      'key-a',
      'Basic key-a',
      'Bearer',
      'Bearer key-',
      'Bearer key-a key-b',
    ]) {
      expect(keys.authenticate(header)).toBeUndefined();
    }
  });
});
