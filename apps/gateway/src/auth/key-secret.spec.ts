import { describe, expect, it } from '@jest/globals';
import { createSecret, digestOf, isSecret } from './key-secret.js';

describe('a secret', () => {
  it('is new each time, and known by its form', () => {
    const secrets = Array.from({ length: 100 }, createSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) {
      expect(secret).toMatch(/^fov_[\w-]{49}$/);
      expect(isSecret(secret)).toBe(true);
    }
    // 43 characters of base64url hold 256 bits.
    expect(Buffer.from(secrets[0]?.slice(4, 47) ?? '', 'base64url')).toHaveLength(32);
  });

  it('is told from what is none: another form, a changed character, a piece', () => {
    const secret = createSecret();
    const other = secret[10] === 'A' ? 'B' : 'A';
    const changed = `${secret.slice(0, 10)}${other}${secret.slice(11)}`;
    for (const text of [
      '',
      'fov_',
      changed,
      secret.slice(0, -1),
      `${secret}A`,
      ` ${secret}`,
      'x'.repeat(53),
    ]) {
      expect([text, isSecret(text)]).toEqual([text, false]);
    }
  });

  it('is stored as its SHA-256', () => {
    expect(digestOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
