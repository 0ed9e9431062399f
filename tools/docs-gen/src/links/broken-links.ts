import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type MarkdownText, readMarkdown } from './markdown-text.js';

const SKIPPED = new Set(['node_modules', 'dist', 'coverage']);
const ELSEWHERE = /^([a-z][a-z0-9+.-]*:|\/\/)/i;

/** Relative links below `root` whose file or heading does not exist, as `page:line: what is wrong`. */
export async function brokenLinks(root: string): Promise<string[]> {
  const { files, folders } = await walk(root);
  const pages = new Map<string, MarkdownText>();
  for (const file of files.filter((name) => name.endsWith('.md')))
    pages.set(file, readMarkdown(await readFile(join(root, file), 'utf8')));
  const known = new Set([...files, ...folders]);
  return [...pages].flatMap(([page, { links }]) =>
    links.flatMap(({ target, line }) => {
      const problem = problemOf(page, target, { known, pages });
      return problem === undefined ? [] : [`${page}:${line}: ${target}: ${problem}`];
    }),
  );
}

interface Tree {
  readonly known: ReadonlySet<string>;
  readonly pages: ReadonlyMap<string, MarkdownText>;
}

function problemOf(page: string, target: string, { known, pages }: Tree): string | undefined {
  if (ELSEWHERE.test(target)) return undefined;
  if (target.startsWith('/')) return 'not relative, so no forge finds it';
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), decodeURIComponent(path)).replace(/(?<=.)\/$/, '');
  if (file.startsWith('..')) return 'leads out of the repository';
  if (!known.has(file)) return 'no such file';
  if (anchor === undefined) return undefined;
  const anchors = pages.get(file)?.anchors;
  // Line numbers of code are not looked at.
  if (anchors === undefined) return /^L\d/.test(anchor) ? undefined : 'no page with headings';
  return anchors.has(decodeURIComponent(anchor)) ? undefined : 'no such heading';
}

/** Files and folders, relative to the root, hidden folders and what is built left out. */
async function walk(root: string): Promise<{ files: string[]; folders: string[] }> {
  const files: string[] = [];
  const folders = ['.'];
  for (const folder of folders) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const name = relative(root, join(root, folder, entry.name));
      if (entry.isFile()) files.push(name);
      else if (entry.isDirectory() && !SKIPPED.has(entry.name) && !/^\.(git|fovea|turbo)$/.test(entry.name))
        folders.push(name);
    }
  }
  return { files, folders };
}
