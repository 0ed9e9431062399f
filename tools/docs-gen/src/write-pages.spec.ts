import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { page } from './markdown/page.js';
import { driftedPages, writePages } from './write-pages.js';

describe('writePages', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-docs-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const pages = [page('a.md', 'A', ['one']), page('b.md', 'B', ['two'])];

  it('names pages that are missing or were edited, and writes only those', async () => {
    expect(await driftedPages(folder, pages)).toEqual(['a.md', 'b.md']);
    expect(await writePages(folder, pages)).toEqual(['a.md', 'b.md']);
    expect(await driftedPages(folder, pages)).toEqual([]);
    await writeFile(join(folder, 'b.md'), 'edited by hand');
    expect(await driftedPages(folder, pages)).toEqual(['b.md']);
    expect(await writePages(folder, pages)).toEqual(['b.md']);
    expect(await readFile(join(folder, 'b.md'), 'utf8')).toContain('two');
  });

  it('says in every page that it is generated', () => {
    for (const { text } of pages) expect(text).toContain('do not edit');
  });
});
