import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findOrMakeApiKey, quote } from './api-key.mjs';

describe('findOrMakeApiKey', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-key-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes a key that only its owner can read, and keeps it', () => {
    const first = findOrMakeApiKey(folder, {});
    const path = join(folder, 'api-key');
    expect(first.key).toMatch(/^fovea-[\w-]{32}$/);
    expect(first.env).toEqual({ GATEWAY_API_KEYS: `local:${first.key}` });
    expect(readFileSync(path, 'utf8')).toBe(`${first.key}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(findOrMakeApiKey(folder, { GATEWAY_API_KEYS: ' ' }).key).toBe(first.key);
  });

  it('closes a key file that had been opened to others, and replaces one that holds no key', () => {
    const path = join(folder, 'api-key');
    const { key } = findOrMakeApiKey(folder, {});
    chmodSync(path, 0o644);
    expect(findOrMakeApiKey(folder, {}).key).toBe(key);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, '');
    expect(findOrMakeApiKey(folder, {}).key).toMatch(/^fovea-/);
  });

  it("uses the first of the user's keys and sets nothing", () => {
    expect(findOrMakeApiKey(folder, { GATEWAY_API_KEYS: 'acme:k:1, other:k2' })).toMatchObject({
      tenant: 'acme',
      key: 'k:1',
      env: {},
    });
  });

  it('reads a key file but never shows what stands in it', () => {
    const path = join(folder, "the team's keys");
    writeFileSync(path, 'acme:hunter2,other:k2\n');
    const found = findOrMakeApiKey(folder, { GATEWAY_API_KEYS_FILE: path });
    expect(found.key).toBe('hunter2');
    expect(found.shellWord).not.toContain('hunter2');
  });

  it('names a list of keys that is none', () => {
    expect(() => findOrMakeApiKey(folder, { GATEWAY_API_KEYS: 'just-a-key' })).toThrow(
      'GATEWAY_API_KEYS: expected tenant:key,tenant2:key2',
    );
  });
});

describe('quote', () => {
  it('makes one shell word of anything', () => {
    expect(quote('/plain/path.png')).toBe('/plain/path.png');
    expect(quote("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  });
});
