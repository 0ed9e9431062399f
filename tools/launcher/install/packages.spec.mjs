import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { areInstalled } from './packages.mjs';

describe('areInstalled', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'fovea-packages-'));
    mkdirSync(join(root, 'node_modules'));
    write('package-lock.json', {
      '': {},
      'packages/a': { version: '0.1.0' },
      'node_modules/pino': { version: '10.0.0', integrity: 'x' },
      'node_modules/fsevents': { version: '2.0.0', optional: true },
    });
  });
  afterEach(() => rmSync(root, { recursive: true }));
  /**
   * @param {string} path
   * @param {Record<string, object>} packages
   */
  const write = (path, packages) => writeFileSync(join(root, path), JSON.stringify({ packages }));

  it('is content with what the lock names, also without packages for other systems', () => {
    write('node_modules/.package-lock.json', { 'node_modules/pino': { version: '10.0.0', integrity: 'x' } });
    expect(areInstalled(root)).toBe(true);
  });

  it.each([
    ['nothing', {}],
    ['another version', { 'node_modules/pino': { version: '9.0.0', integrity: 'x' } }],
    ['other content', { 'node_modules/pino': { version: '10.0.0', integrity: 'y' } }],
  ])('notices that %s is installed', (_name, packages) => {
    write('node_modules/.package-lock.json', packages);
    expect(areInstalled(root)).toBe(false);
  });

  it('takes an installation that was cut off for none', () => {
    expect(areInstalled(root)).toBe(false);
  });
});
