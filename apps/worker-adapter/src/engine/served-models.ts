import type { Backend } from '@fovea/backends';
import { toModelPackage, type WorkerFile } from '@fovea/model-registry/worker-file';
import type { ModelPackage } from '@fovea/schemas/model-package';
import type { ServedModel } from '../generation/chat-request.js';
import { matchModels } from './match-models.js';

/** The models of this worker's package, as its engine serves them. */
export class ServedModels {
  readonly #file: WorkerFile;
  readonly #backend: Backend;
  #served: ReadonlyMap<string, ServedModel> = new Map();

  constructor(file: WorkerFile, backend: Backend) {
    this.#file = file;
    this.#backend = backend;
  }

  find(name: string): ServedModel | undefined {
    return this.#served.get(name);
  }

  /** Asks the engine what it serves. Throws `MODEL_UNAVAILABLE` when it lacks a model of the package. */
  async describe(signal: AbortSignal): Promise<ModelPackage> {
    const { checkpointName, models } = this.#file.queue;
    const names = models.map(({ name }) => name);
    const { engineModels, maxModelLen } = matchModels(
      names,
      checkpointName,
      await this.#backend.models(signal),
    );
    const served = new Map<string, ServedModel>();
    for (const { name, maximumCompletionTokens } of models) {
      // Engines refuse a maximum over their context, so a default must not exceed it.
      const maximum =
        maximumCompletionTokens === null ? null : Math.min(maximumCompletionTokens, maxModelLen);
      served.set(name, { engineModel: engineModels.get(name) ?? name, maximumCompletionTokens: maximum });
    }
    this.#served = served;
    return toModelPackage(this.#file, { maxModelLen });
  }
}
