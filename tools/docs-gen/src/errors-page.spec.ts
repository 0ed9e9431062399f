import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { catalogue, errorCodes } from '@fovea/errors';
import { describe, expect, it } from '@jest/globals';

const path = fileURLToPath(new URL('../../../docs/reference/errors.md', import.meta.url));

/** Rows of the page's tables: cells by column, code first. */
async function rows(): Promise<string[][]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(2, -2)
        .split(/(?<!\\) \| /)
        .map((cell) => cell.replaceAll('\\|', '|')),
    );
}

describe('docs/reference/errors.md', () => {
  it('lists each code of the catalogue once, and no other', async () => {
    const listed = (await rows()).map(([name]) => name?.replaceAll('`', ''));
    expect([...listed].sort()).toEqual([...errorCodes].sort());
  });

  it.each(errorCodes)('says of %s what the catalogue says', async (name) => {
    const row = (await rows()).find(([first]) => first === `\`${name}\``);
    const { status, type, retryable, text, help } = catalogue[name];
    expect(row?.slice(1)).toEqual([String(status), `\`${type}\``, retryable ? 'yes' : 'no', text, help]);
  });
});
