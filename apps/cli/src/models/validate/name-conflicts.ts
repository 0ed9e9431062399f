import type { WorkerFileProblem } from '@fovea/model-registry/worker-file';
import type { CheckedFile } from './check-worker-file.js';

/** What the registry would refuse once two of these files are started: a model name that two checkpoints offer. */
export function nameConflicts(files: readonly CheckedFile[]): ReadonlyMap<CheckedFile, WorkerFileProblem[]> {
  const owners = new Map<string, { readonly checkpoint: string; readonly path: string }>();
  const conflicts = new Map<CheckedFile, WorkerFileProblem[]>();
  for (const checked of files) {
    const { path, file } = checked;
    if (file === undefined) continue;
    const { checkpointName: checkpoint, models } = file.queue;
    for (const { name } of models) {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, { checkpoint, path });
      else if (owner.checkpoint !== checkpoint) {
        const where = `queue.models.${JSON.stringify(name)}`;
        const found = `a name that checkpoint ${JSON.stringify(owner.checkpoint)} of ${owner.path} offers`;
        const problem = { where, found, expected: 'a name of its own' };
        conflicts.set(checked, [...(conflicts.get(checked) ?? []), problem]);
      }
    }
  }
  return conflicts;
}
