import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { exitCodes, Failure, fileReason } from '../../failure.js';

/** Files as they are named, and the `*.toml` of folders. Throws a usage `Failure` for what is neither, or empty. */
export async function findWorkerFiles(names: readonly string[], cwd: string): Promise<string[]> {
  const found = await Promise.all(names.map((name) => filesOf(name, resolve(cwd, name))));
  return found.flat();
}

async function filesOf(name: string, path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const files = (await readdir(path)).filter((entry) => entry.endsWith('.toml')).sort();
    if (files.length > 0) return files.map((file) => join(path, file));
  } catch (cause) {
    throw new Failure(exitCodes.usage, `${name} cannot be read: ${fileReason(cause)}.`, { cause });
  }
  throw new Failure(exitCodes.usage, `${name} holds no worker file (*.toml).`);
}
