import { readFile, realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VllmError } from '../http/vllm-error.js';

/**
 * Reads a `file://` URL that lies beneath the allowed folder, symbolic links followed first. Throws a `VllmError`:
 * 500 without an allowed folder or when the file can't be read, 400 outside of it.
 */
export async function openFileUrl(url: string, allowedPath: string | undefined): Promise<Buffer> {
  if (allowedPath === undefined) {
    throw new VllmError(500, 'Cannot load local files without `--allowed-local-media-path`.');
  }
  try {
    const path = await realpath(fileURLToPath(url));
    const allowed = await realpath(allowedPath);
    if (!path.startsWith(allowed.endsWith(sep) ? allowed : allowed + sep)) {
      throw new VllmError(
        400,
        `The file path ${path} must be a subpath of \`--allowed-local-media-path\` ${allowed}.`,
      );
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof VllmError) throw error;
    throw new VllmError(500, String(error));
  }
}
