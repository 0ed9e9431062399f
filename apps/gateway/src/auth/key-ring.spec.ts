import { describe, expect, it } from '@jest/globals';
import { ConfiguredKeys } from './configured-keys.js';
import { KeyRing } from './key-ring.js';

const configured = new ConfiguredKeys([
  { tenant: 'alpha', isAdmin: false, key: 'key-a' },
  { tenant: 'beta', isAdmin: true, key: 'key-b' },
]);

describe('KeyRing', () => {
  const asked: string[] = [];
  const created = {
    authenticate: (secret: string) => {
      asked.push(secret);
      return Promise.resolve(secret === 'created' ? { tenant: 'gamma', isAdmin: false } : undefined);
    },
  };
  const ring = new KeyRing(configured, created);

  it('finds the tenant of a configured key at once, whatever the case of the scheme', () => {
    expect(ring.authenticate('Bearer key-a')).toEqual({ tenant: 'alpha', isAdmin: false });
    expect(ring.authenticate('bearer key-b')).toEqual({ tenant: 'beta', isAdmin: true });
    expect(asked).toEqual([]);
  });

  it('asks the created keys for what is not configured', async () => {
    expect(await ring.authenticate('Bearer created')).toEqual({ tenant: 'gamma', isAdmin: false });
    expect(await ring.authenticate('Bearer key-')).toBeUndefined();
    expect(asked).toEqual(['created', 'key-']);
  });

  it('knows nobody without a bearer key or with another scheme, and asks nobody', () => {
    asked.length = 0;
    for (const header of [undefined, '', 'key-a', 'Basic key-a', 'Bearer', 'Bearer key-a key-b']) {
      expect(ring.authenticate(header)).toBeUndefined();
    }
    expect(asked).toEqual([]);
  });
});
