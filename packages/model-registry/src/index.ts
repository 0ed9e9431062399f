import type { Model, ModelPackage } from '@fovea/schemas/model-package';

export type ModelStatus = 'available' | 'unavailable';

/** A model name as clients see it, with the newest package that offers it. */
export interface ModelListing {
  readonly model: Model;
  readonly package: ModelPackage;
  readonly status: ModelStatus;
}

/** A worker's registration. Renewing it is what keeps its models `available`. */
export interface Registration {
  readonly package: ModelPackage;
  readonly workerId: string;
}

/** `in-use`: a worker of the checkpoint is present. */
export type RemovalOutcome = 'removed' | 'in-use' | 'unknown';

/**
 * The model packages that workers have registered, and which of them have a worker (DESIGN D1).
 *
 * Packages persist; presence lapses. `register` is atomic and refuses: other content under a registered version, or
 * a model name that another checkpoint offers (`MODEL_PACKAGE_CONFLICT`); a version lower than the highest
 * registered one that is not itself registered (`INVALID_REQUEST`). Old and new versions serve together.
 * A model is `available` while a registration of any package that offers it was renewed within the grace period.
 */
export abstract class ModelRegistry {
  /** Registers and marks present. Registering the same content again is how a worker renews after a Redis loss. */
  abstract register(registration: Registration): Promise<void>;
  /** Marks present for the grace period. False when the package is no longer known: register again. */
  abstract renew(registration: Registration): Promise<boolean>;
  /** A worker that leaves in order; its models become unavailable without waiting for the grace. */
  abstract withdraw(registration: Registration): Promise<void>;
  /** Every model, by name. May be up to a second old, so that hot paths do not ask Redis. */
  abstract list(): Promise<ModelListing[]>;
  /** One model, as fresh as `list`; looks again before it says undefined. */
  abstract resolve(name: string): Promise<ModelListing | undefined>;
  /** Forgets a checkpoint, all versions and names, unless one of its workers is present; they could register it anew. */
  abstract remove(checkpoint: string): Promise<RemovalOutcome>;
  abstract close(): Promise<void>;
}
