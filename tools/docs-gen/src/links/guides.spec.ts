import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { errorCodes } from '@fovea/errors';
import { describe, expect, it } from '@jest/globals';

const root = new URL('../../../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');
const guides = (await readdir(new URL('docs/guides/', root))).filter((name) => name.endsWith('.md'));
const pages = ['README.md', ...guides.map((name) => `docs/guides/${name}`)];
const commands = (
  await Promise.all(
    pages.map(async (page) =>
      [...(await read(page)).matchAll(/(?:<!-- ((?:(?!<!--).)*?) -->\s+)?^ *```sh\n(.*?)\n *```/gms)].map(
        ([, mark = 'nothing', code = '']) => ({ page, mark, code }),
      ),
    ),
  )
).flat();
const specs = ['e2e/stories', 'e2e/clients', 'tools/launcher'];

describe('the guides', () => {
  it('say of each command what runs it, or why nothing does', () => {
    const unmarked = commands.filter(({ mark }) => !/^(prints:|start|run by:|not run: \S)/.test(mark));
    expect(unmarked).toEqual([]);
  });

  it('name files that exist', () => {
    const named = commands.flatMap(({ mark }) => [...mark.matchAll(/\b(?:apps|e2e|tools)\/[\w./-]*\w/g)]);
    expect(named.map(([file]) => file).filter((file) => !existsSync(new URL(file, root)))).toEqual([]);
  });

  it('whose commands print something are run by a test that names them', async () => {
    const tests = await Promise.all(
      specs.map(async (folder) =>
        Promise.all(
          (await readdir(new URL(`${folder}/`, root)))
            .filter((name) => /\.e2e\.spec\.m?[jt]s$/.test(name))
            .map((name) => read(`${folder}/${name}`)),
        ),
      ),
    );
    const text = tests.flat().join('\n');
    const printing = commands.filter(({ mark }) => /^(prints:|start)/.test(mark)).map(({ page }) => page);
    expect([...new Set(printing)].filter((page) => !text.includes(page.split('/').at(-1) ?? ''))).toEqual([]);
  });

  it.each([
    ['metric', 'metrics.md', /\bfovea_[a-z_]+(?=[^a-z_…])/g],
    ['variable', 'env.md', /\b(?:GATEWAY|ADAPTER|SHIM|BLOB|FILE|FOVEA)_[A-Z_]+(?=[^A-Z_…])/g],
  ])('name no %s that does not exist', async (_what, reference, pattern) => {
    const known = new Set((await read(`docs/reference/${reference}`)).match(pattern));
    const named = await Promise.all(pages.map(async (page) => (await read(page)).match(pattern) ?? []));
    const plain = named.flat().map((name) => name.replace(/_(FILE|bucket|count|sum)$/, ''));
    expect([...new Set(plain)].filter((name) => !known.has(name))).toEqual([]);
  });

  it('are all in the index', async () => {
    const index = await read('docs/README.md');
    expect(guides.filter((name) => !index.includes(`(guides/${name})`))).toEqual([]);
  });

  it('tell of every error what to do', async () => {
    const page = await read('docs/guides/troubleshooting.md');
    expect(errorCodes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});
