import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from './markdown/page.js';

/** Names of the pages whose file is missing or differs from what the code says. */
export async function driftedPages(folder: string, pages: readonly Page[]): Promise<string[]> {
  const drifted: string[] = [];
  for (const { file, text } of pages) {
    const found = await readFile(join(folder, file), 'utf8').catch(() => undefined);
    if (found !== text) drifted.push(file);
  }
  return drifted;
}

/** Writes the pages that drifted and tells which. */
export async function writePages(folder: string, pages: readonly Page[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const drifted = new Set(await driftedPages(folder, pages));
  for (const { file, text } of pages) {
    if (drifted.has(file)) await writeFile(join(folder, file), text);
  }
  return [...drifted];
}
