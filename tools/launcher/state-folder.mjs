import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout this launcher belongs to. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Run-time files of this checkout, readable by their owner alone; made when the launcher starts. */
export const stateFolder = join(root, '.fovea');

mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
