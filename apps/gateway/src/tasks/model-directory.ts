import { FoveaError } from '@fovea/errors';
import type { ModelListing, ModelRegistry } from '@fovea/model-registry';
import type { Model } from '@fovea/schemas/model-package';
import { orUnavailable } from '../http/or-unavailable.js';

/** What a route needs a model for, and how its refusal says it. */
const offers = {
  chat: 'chat',
  completion: 'completion of raw prompts',
  transcription: 'transcription',
  embedding: 'embeddings',
  rerank: 'reranking',
} as const satisfies { [K in keyof Model]?: string };

export type Offer = keyof typeof offers;

/** Finds the model that a request names. Throws `SERVICE_UNAVAILABLE` where the registry cannot be reached. */
export class ModelDirectory {
  constructor(private readonly registry: Pick<ModelRegistry, 'resolve' | 'list'>) {}

  list(): Promise<ModelListing[]> {
    return orUnavailable(this.registry.list());
  }

  /** Throws `UNKNOWN_MODEL`. */
  async find(name: string): Promise<ModelListing> {
    const listing = await orUnavailable(this.registry.resolve(name));
    if (listing !== undefined) return listing;
    throw new FoveaError('UNKNOWN_MODEL', {
      message: `No model is named "${name.slice(0, 100)}".`,
      param: 'model',
    });
  }
}

/** Throws `MISSING_CAPABILITY` with what `message` adds, when the model has not what the route is for. */
export function requireOffer({ model }: ModelListing, offer: Offer, hint?: string): void {
  if (model[offer]) return;
  const message = `"${model.name}" does not offer ${offers[offer]}.${hint === undefined ? '' : ` ${hint}`}`;
  throw new FoveaError('MISSING_CAPABILITY', { message, param: 'model' });
}

/** Throws `MISSING_CAPABILITY` when there is an image, first of them at `path`, and the model takes none. */
export function requireImages({ model }: ModelListing, path: string | undefined): void {
  if (path === undefined || model.multimodalEnabled) return;
  const message = `"${model.name}" does not take images.`;
  throw new FoveaError('MISSING_CAPABILITY', { message, param: path });
}

/** Throws `MODEL_UNAVAILABLE` when nobody serves the model and its package does not ask to wait for somebody. */
export function requireWorker({ status, package: modelPackage }: ModelListing): void {
  if (status !== 'unavailable' || modelPackage.waitForWorkerS > 0) return;
  throw new FoveaError('MODEL_UNAVAILABLE', { param: 'model', retryAfterS: 5 });
}
