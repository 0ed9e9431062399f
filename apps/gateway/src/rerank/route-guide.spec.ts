import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';

const root = new URL('../../../../', import.meta.url);
const guide = await readFile(new URL('docs/guides/write-a-route.md', root), 'utf8');
const blocks = [...guide.matchAll(/<!-- (\S+) -->\s+```ts\n(.*?)```/gs)].map(([, file, code]) => ({
  file: file ?? '',
  code: code ?? '',
}));

describe('the guide to a route', () => {
  it('shows a whole folder', () => {
    expect(blocks.map(({ file }) => file.split('/').at(-1))).toEqual([
      'rerank-handler.ts',
      'rerank.controller.ts',
      'rerank.providers.ts',
    ]);
  });

  it.each(blocks)('shows $file as it is', async ({ file, code }) => {
    expect(code).toBe(await readFile(new URL(file, root), 'utf8'));
  });
});
