import type { EngineModel } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';
import { toModelPackage, type WorkerFile } from '@fovea/model-registry/worker-file';
import type { ImageProcessor, ModelPackage } from '@fovea/schemas/model-package';
import type { ServedModel } from '../generation/request/request-source.js';
import type { TokenLimits } from '../slots/job-tokens.js';
import { type EngineMatch, matchModels } from './match-models.js';

export interface ServedModelsOptions {
  /** Told when an engine serves other content than the package: it is left out. */
  readonly onDifference?: (engine: string, difference: string) => void;
  /** How the model sizes pictures; null when nothing tells. */
  readonly imageProcessor?: ImageProcessor | null;
}

/**
 * The models of this worker's package, as its engines serve them. All engines serve the same content, or they are left
 * out: a request must not depend on which of them it meets.
 *
 * The content is that of the first engine that said what it serves. It stays as long as any engine last said the same,
 * also one that is down now; so an engine with other content does not take over while the others restart.
 */
export class ServedModels {
  readonly #file: WorkerFile;
  readonly #options: ServedModelsOptions;
  readonly #matches = new Map<string, EngineMatch>();
  readonly #differences = new Map<string, string>();
  #maxModelLen: number | undefined;

  constructor(file: WorkerFile, options: ServedModelsOptions = {}) {
    this.#file = file;
    this.#options = options;
  }

  /** Tokens of prompt and completion together; undefined before the first engine was asked. */
  get maxModelLen(): number | undefined {
    return this.#maxModelLen;
  }

  /** Takes what an engine says it serves. Throws `MODEL_UNAVAILABLE` when it lacks a model of the package. */
  learn(engine: string, offered: readonly EngineModel[]): void {
    const { checkpointName, models } = this.#file.queue;
    const names = models.map(({ name }) => name);
    this.#matches.set(engine, matchModels(names, checkpointName, offered));
    this.#agree();
  }

  /** What an engine serves otherwise than the package; undefined when it may be given the package's jobs. */
  differenceOf(engine: string): string | undefined {
    return this.#differences.get(engine);
  }

  /** What `engine` calls a model of the package; undefined when it does not serve one of that name. */
  find(engine: string, name: string): ServedModel | undefined {
    const engineModel = this.#matches.get(engine)?.engineModels.get(name);
    const model = this.#file.queue.models.find((candidate) => candidate.name === name);
    if (engineModel === undefined || model === undefined || this.#maxModelLen === undefined) return undefined;
    const { maximumCompletionTokens: maximum } = model;
    // Engines refuse a maximum over their context, so a default must not exceed it.
    const bounded = maximum === null ? null : Math.min(maximum, this.#maxModelLen);
    return { engineModel, maximumCompletionTokens: bounded, contextTokens: this.#maxModelLen };
  }

  /** Bounds of a model's requests. A name that the package does not have is bounded by the context alone. */
  limitsOf(name: string): TokenLimits {
    const model = this.#file.queue.models.find((candidate) => candidate.name === name);
    return {
      maximumCompletionTokens: model?.maximumCompletionTokens ?? null,
      maxModelLen: this.#maxModelLen ?? Number.MAX_SAFE_INTEGER,
    };
  }

  /** The package as it stands now. Throws `MODEL_UNAVAILABLE` before the first engine was asked. */
  describe(): ModelPackage {
    const maxModelLen = this.#maxModelLen;
    const { imageProcessor = null } = this.#options;
    if (maxModelLen !== undefined) return toModelPackage(this.#file, { maxModelLen, imageProcessor });
    throw new FoveaError('MODEL_UNAVAILABLE', { detail: 'no engine has said what it serves' });
  }

  #agree(): void {
    const all = [...this.#matches.values()].map(({ maxModelLen }) => maxModelLen);
    if (this.#maxModelLen === undefined || !all.includes(this.#maxModelLen)) this.#maxModelLen = all[0];
    for (const [engine, { maxModelLen }] of this.#matches) {
      const isSame = maxModelLen === this.#maxModelLen;
      const difference = `serves max_model_len ${maxModelLen}, the others ${this.#maxModelLen}`;
      const known = this.#differences.get(engine);
      if (isSame) this.#differences.delete(engine);
      else this.#differences.set(engine, difference);
      if (!isSame && known !== difference) this.#options.onDifference?.(engine, difference);
    }
  }
}
