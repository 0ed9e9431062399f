import { FoveaError } from '@fovea/errors';
import type { ChatModel } from '../models/chat-model.js';

/** The loaded models by their served names. The first one answers requests that name no model, as vLLM's does. */
export class ServedModels {
  /** Seconds since the epoch; the same for all, since they were loaded together. */
  private readonly createdAtS = Math.floor(Date.now() / 1000);

  constructor(private readonly models: readonly ChatModel[]) {}

  get all(): readonly ChatModel[] {
    return this.models;
  }

  get areHealthy(): boolean {
    return this.models.every((model) => model.isHealthy);
  }

  /** Throws `UNKNOWN_MODEL` in vLLM's words. */
  find(name: string | null | undefined): ChatModel {
    const found = name ? this.models.find((model) => model.id === name) : this.models[0];
    if (found !== undefined) return found;
    throw new FoveaError('UNKNOWN_MODEL', {
      message: `The model \`${name?.slice(0, 256) ?? ''}\` does not exist.`,
      param: 'model',
    });
  }

  /** The body of `/v1/models`. */
  toWire() {
    return {
      object: 'list',
      data: this.models.map((model) => ({
        id: model.id,
        object: 'model',
        created: this.createdAtS,
        owned_by: 'vllm',
        root: model.id,
        parent: null,
        max_model_len: model.maxModelLen,
        permission: [],
      })),
    };
  }
}
