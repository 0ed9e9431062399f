import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fingerprint } from './build.mjs';

describe('fingerprint', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'fovea-build-'));
    for (const folder of ['packages/a/src/deep', 'packages/a/dist', 'apps', 'tools', 'e2e']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    writeFileSync(join(root, 'packages/a/src/deep/x.ts'), 'export {};');
    writeFileSync(join(root, 'packages/a/dist/tsconfig.tsbuildinfo'), '{}');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('stays while nothing changes', () => {
    expect(fingerprint(root)).toBe(fingerprint(root));
  });

  it.each([
    ['a source is edited', () => utimesSync(join(root, 'packages/a/src/deep/x.ts'), 1, 1)],
    ['a source is added', () => writeFileSync(join(root, 'packages/a/src/y.ts'), '')],
    ['a source is removed', () => rmSync(join(root, 'packages/a/src/deep/x.ts'))],
    ['the output is removed', () => rmSync(join(root, 'packages/a/dist'), { recursive: true })],
    ['other packages are locked', () => writeFileSync(join(root, 'package-lock.json'), '{}')],
  ])('changes when %s', (_name, change) => {
    const before = fingerprint(root);
    change();
    expect(fingerprint(root)).not.toBe(before);
  });
});
