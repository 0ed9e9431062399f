import { relative } from 'node:path';
import type { WorkerFileProblem } from '@fovea/model-registry/worker-file';
import type { Terminal } from '../../terminal/terminal.js';
import { checkWorkerFile } from './check-worker-file.js';
import { findWorkerFiles } from './find-worker-files.js';
import { nameConflicts } from './name-conflicts.js';

/** What is said of one file. */
export interface Report {
  readonly file: string;
  readonly problems: readonly WorkerFileProblem[];
  readonly warnings: readonly string[];
  /** `name version n: model, model`; null when the file cannot be used. */
  readonly offers: string | null;
}

function shortest(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith('..') ? path : below;
}

/** Checks each file, and all of them together. Throws a usage `Failure` for what cannot be read. */
export async function reportOn(names: readonly string[], terminal: Terminal): Promise<Report[]> {
  const paths = await findWorkerFiles(names, terminal.cwd);
  const checked = await Promise.all(paths.map(checkWorkerFile));
  const conflicts = nameConflicts(checked);
  return checked.map((each) => {
    const { path, file, problems, warnings } = each;
    const offered = file?.queue.models.map(({ name }) => name).join(', ');
    return {
      file: shortest(path, terminal.cwd),
      problems: [...problems, ...(conflicts.get(each) ?? [])],
      warnings,
      offers:
        file === undefined ? null : `${file.queue.checkpointName} version ${file.queue.version}: ${offered}`,
    };
  });
}
