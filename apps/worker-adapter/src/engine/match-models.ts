import type { EngineModel } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';

/** A checkpoint's models as one engine serves them. */
export interface EngineMatch {
  /** What the engine calls each model of the package. */
  readonly engineModels: ReadonlyMap<string, string>;
  /** Smallest context of them, in tokens of prompt and completion. */
  readonly maxModelLen: number;
}

/**
 * Finds each model of a package among those an engine lists: by its own name, else by the checkpoint's, else the
 * only one there is (an engine started without a served name lists the path of its weights).
 *
 * Throws `MODEL_UNAVAILABLE` when one is not there: the engine may still be loading it.
 */
export function matchModels(
  names: readonly string[],
  checkpoint: string,
  offered: readonly EngineModel[],
): EngineMatch {
  const engineModels = new Map<string, string>();
  let maxModelLen = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const found =
      offered.find(({ id }) => id === name) ??
      offered.find(({ id }) => id === checkpoint) ??
      (offered.length === 1 ? offered[0] : undefined);
    if (found === undefined) {
      const listed = offered.length === 0 ? 'nothing' : offered.map(({ id }) => id).join(', ');
      throw new FoveaError('MODEL_UNAVAILABLE', {
        detail: `the engine does not serve ${name}, it lists ${listed}`,
      });
    }
    engineModels.set(name, found.id);
    maxModelLen = Math.min(maxModelLen, found.maxModelLen);
  }
  return { engineModels, maxModelLen };
}
