import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative, sep } from 'node:path';

/** One file of the page, as it goes out. */
export interface PageFile {
  /** Absolute path of the URL. */
  readonly path: string;
  readonly type: string;
  readonly content: Buffer;
  /** Strong: the same tag means the same bytes. */
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Where the package of the page is installed: a link into the workspace, or a copy in an image. */
export function playgroundFolder(): string {
  const require = createRequire(import.meta.url);
  return dirname(require.resolve('@fovea/playground/package.json'));
}

/**
 * Reads the page into memory: what lies in `page/`, and the compiled modules in `dist/`. Only these paths are ever
 * served, so no URL can lead elsewhere. Throws when the page has not been built.
 */
export function readPageFiles(folder: string): PageFile[] {
  const page = filesOf(join(folder, 'page'), () => true);
  const modules = filesOf(join(folder, 'dist'), (name) => name.endsWith('.js') && !name.endsWith('.spec.js'));
  if (modules.length === 0) throw new Error(`${folder} has not been built`);
  return [...page, ...modules];
}

function filesOf(folder: string, isServed: (name: string) => boolean): PageFile[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && isServed(entry.name))
    .map((entry) => readPageFile(folder, join(entry.parentPath, entry.name)));
}

function readPageFile(folder: string, file: string): PageFile {
  const name = relative(folder, file).split(sep).join('/');
  const type = types[extname(file)];
  if (type === undefined) throw new Error(`the page has no files like ${name}`);
  const content = readFileSync(file);
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  return { path: name === 'index.html' ? '/' : `/playground/${name}`, type, content, etag };
}
