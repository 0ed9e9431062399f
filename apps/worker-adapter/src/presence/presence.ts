import { FoveaError } from '@fovea/errors';
import type { ModelRegistry, Registration } from '@fovea/model-registry';
import type { ModelPackage } from '@fovea/schemas/model-package';

const RENEW_INTERVAL_MS = 2_000;

/** Whether this worker can do what its package promises. */
export interface Fitness {
  readonly isFit: boolean;
  /** The returned function stops listening. */
  onChange(listener: (isFit: boolean) => void): () => void;
}

export interface PresenceOptions {
  readonly workerId: string;
  /** The package as the engines stand now; asked again after each outage of them all. */
  readonly describe: (signal: AbortSignal) => Promise<ModelPackage>;
  readonly renewIntervalMs?: number;
  /** Registered, for the first time or again. */
  readonly onRegistered: (modelPackage: ModelPackage) => void;
  /** The registry said no for good: this worker cannot serve. */
  readonly onRefused: (error: FoveaError) => void;
  /** Could not ask; it is tried again with the next interval. */
  readonly onError: (error: unknown) => void;
}

const refusals = new Set(['MODEL_PACKAGE_CONFLICT', 'INVALID_REQUEST']);

/**
 * Keeps this worker's package registered and present. While no engine is fit nothing is renewed, so that the
 * models become `unavailable` after the registry's grace; once one is back, the package is described and
 * registered anew, because another engine may answer under the same address.
 */
export class Presence {
  readonly #registry: ModelRegistry;
  readonly #fitness: Fitness;
  readonly #options: PresenceOptions;
  readonly #stopped = new AbortController();
  #registration: Registration | undefined;
  #mustDescribe = true;
  #isRefused = false;
  #timer: NodeJS.Timeout | undefined;
  #tick: Promise<void> = Promise.resolve();
  #stopListening: () => void = () => undefined;

  constructor(registry: ModelRegistry, fitness: Fitness, options: PresenceOptions) {
    this.#registry = registry;
    this.#fitness = fitness;
    this.#options = options;
  }

  /** True once registered and not refused since. */
  get isRegistered(): boolean {
    return this.#registration !== undefined && !this.#isRefused;
  }

  /** Registers as soon as an engine and the registry allow, and stays registered. */
  start(): void {
    this.#stopListening = this.#fitness.onChange((isFit) => {
      if (!isFit) this.#mustDescribe = true;
      else this.#renewNow();
    });
    this.#renewNow();
  }

  /** Leaves in order: the models need not wait for the grace. */
  async withdraw(): Promise<void> {
    this.#stopped.abort(new Error('the worker leaves'));
    this.#stopListening();
    clearTimeout(this.#timer);
    // A renewal that is under way would otherwise mark the worker present again.
    await this.#tick;
    if (this.#registration !== undefined) await this.#registry.withdraw(this.#registration);
  }

  #renewNow(): void {
    clearTimeout(this.#timer);
    this.#tick = this.#tick
      .then(() => this.#renew())
      .then(() => {
        if (this.#stopped.signal.aborted || this.#isRefused) return;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#renewNow(), this.#options.renewIntervalMs ?? RENEW_INTERVAL_MS);
      });
  }

  /** Never throws. */
  async #renew(): Promise<void> {
    if (this.#stopped.signal.aborted || this.#isRefused || !this.#fitness.isFit) return;
    try {
      const known = this.#mustDescribe ? await this.#describe() : this.#registration;
      if (known === undefined) return;
      const isRenewed = known === this.#registration && (await this.#registry.renew(known));
      if (!isRenewed) await this.#register(known);
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.#options.onError(error);
    }
  }

  async #describe(): Promise<Registration> {
    const { workerId, describe } = this.#options;
    this.#mustDescribe = false;
    try {
      return { package: await describe(this.#stopped.signal), workerId };
    } catch (error) {
      this.#mustDescribe = true;
      throw error;
    }
  }

  async #register(registration: Registration): Promise<void> {
    try {
      await this.#registry.register(registration);
    } catch (error) {
      this.#mustDescribe = true;
      if (!FoveaError.isInstance(error) || !refusals.has(error.code)) throw error;
      this.#isRefused = true;
      this.#options.onRefused(error);
      return;
    }
    this.#registration = registration;
    this.#options.onRegistered(registration.package);
  }
}
