import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';

const root = new URL('../../../../', import.meta.url);
const guide = await readFile(new URL('docs/guides/add-a-model-family.md', root), 'utf8');
const blocks = [...guide.matchAll(/<!-- (\S+) -->\s+```ts\n(.*?)```/gs)].map(([, file, code]) => ({
  file: file ?? '',
  code: code ?? '',
}));

describe('the guide to a model family', () => {
  it('shows a family of at most 60 lines', () => {
    const lines = blocks.reduce((sum, { code }) => sum + code.trimEnd().split('\n').length, 0);
    expect(blocks.map(({ file }) => file.split('/').at(-1))).toEqual(['llama-family.ts', 'prompt-entry.ts']);
    expect(lines).toBeLessThanOrEqual(60);
  });

  it.each(blocks)('shows $file as it is', async ({ file, code }) => {
    expect(code).toBe(await readFile(new URL(file, root), 'utf8'));
  });
});
