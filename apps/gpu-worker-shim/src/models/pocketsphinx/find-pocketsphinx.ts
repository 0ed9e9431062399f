import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runDecoder } from './run-decoder.js';

/** What Debian's packages `pocketsphinx` and `pocketsphinx-en-us` install. */
export interface PocketSphinx {
  /** Path of `pocketsphinx_continuous`. */
  readonly program: string;
  /** Folder with acoustic model, dictionary and language model of US English. */
  readonly modelFolder: string;
}

/** Of CMU Sphinx 5prealpha; later releases have another. */
const PROGRAM = 'pocketsphinx_continuous';
const PROGRAM_FOLDERS = ['/usr/local/bin', '/usr/bin'];
const MODEL = 'share/pocketsphinx/model/en-us';
const MODEL_FILES = ['en-us/mdef', 'en-us.lm.bin', 'cmudict-en-us.dict'];
const FIND_TIMEOUT_MS = 60_000;
/** A tenth of a second: what takes time is loading the model. */
const SILENCE = new Int16Array(1600);

async function findFirst(paths: readonly string[], files: readonly string[], mode: number): Promise<string> {
  for (const path of paths) {
    const checks = files.map((file) => access(join(path, file), mode));
    if ((await Promise.allSettled(checks)).every(({ status }) => status === 'fulfilled')) return path;
  }
  throw new Error(`no ${files.join(', ')} in ${paths.join(', ')}`);
}

/**
 * Finds the program and its model and lets it hear silence. Throws an `Error` with what is missing or does not work.
 *
 * @param setting path of the program, or `auto`: it is looked for in the usual folders
 */
export async function findPocketSphinx(setting: string): Promise<PocketSphinx> {
  const folders = setting === 'auto' ? PROGRAM_FOLDERS : [dirname(setting)];
  const name = setting === 'auto' ? PROGRAM : basename(setting);
  const program = join(await findFirst(folders, [name], constants.X_OK), name);
  const own = dirname(dirname(await realpath(program)));
  const roots = [...new Set([own, '/usr/local', '/usr'])];
  const modelFolder = await findFirst(
    roots.map((root) => join(root, MODEL)),
    MODEL_FILES,
    constants.R_OK,
  );
  const found = { program, modelFolder };
  await runDecoder(found, SILENCE, AbortSignal.timeout(FIND_TIMEOUT_MS));
  return found;
}
