import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { brokenLinks } from './broken-links.js';

describe('the check of links', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fovea-links-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const write = async (pages: Record<string, string>): Promise<void> => {
    for (const [name, text] of Object.entries(pages)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
  };

  it('follows files, folders, headings and the second heading of a name', async () => {
    await write({
      'docs/a.md':
        '# `GET /x`: what, why?\n[b](../b.md#two-words) [folder](../src) [twice](#twice-1) <a href="../b.md">b</a>\n## Twice\n## Twice\n',
      'b.md': '## Two words\n[a](docs/a.md#get-x-what-why)\n[ref]\n\n[ref]: docs/a.md#twice\n',
      'src/x.ts': '',
    });
    expect(await brokenLinks(root)).toEqual([]);
  });

  it('names each link that leads nowhere, with its line', async () => {
    await write({
      'a.md':
        '# A\n[x](gone.md)\n![x](gone.png "title")\n[x](#nowhere) [x](b.md#nowhere)\n[x](../out.md) [x](/b.md)\n[r]: gone\n',
      'b.md': '# B\n',
      'node_modules/p/README.md': '[x](gone.md)',
    });
    expect(await brokenLinks(root)).toEqual([
      'a.md:2: gone.md: no such file',
      'a.md:3: gone.png: no such file',
      'a.md:4: #nowhere: no such heading',
      'a.md:4: b.md#nowhere: no such heading',
      'a.md:5: ../out.md: leads out of the repository',
      'a.md:5: /b.md: not relative, so no forge finds it',
      'a.md:6: gone: no such file',
    ]);
  });

  it('leaves code and other hosts alone', async () => {
    await write({
      'a.md':
        '`[x](gone.md)` ``a ` [x](gone.md)`` [site](https://example.org/x#y) [mail](mailto:a@example.org)\n```md\n# Not a heading\n[x](gone.md)\n```\n',
      'b.md': '[x](a.md#not-a-heading)\n',
    });
    expect(await brokenLinks(root)).toEqual(['b.md:1: a.md#not-a-heading: no such heading']);
  });
});
