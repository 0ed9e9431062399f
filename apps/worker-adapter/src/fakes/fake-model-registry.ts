import {
  type ModelListing,
  ModelRegistry,
  type Registration,
  type RemovalOutcome,
} from '@fovea/model-registry';

/** Writes down who was registered; a test may make it forget or refuse. */
export class FakeModelRegistry extends ModelRegistry {
  readonly calls: string[] = [];
  /** Thrown by `register` while set. */
  problem: Error | undefined;
  #known: Registration | undefined;
  #listener: () => void = () => undefined;

  get registered(): Registration | undefined {
    return this.#known;
  }

  forget(): void {
    this.#known = undefined;
  }

  /** Resolves when `calls` satisfies the condition. */
  until(condition: (calls: readonly string[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#listener = () => {
        if (condition(this.calls)) resolve();
      };
      this.#listener();
    });
  }

  register(registration: Registration): Promise<void> {
    this.#call('register');
    if (this.problem !== undefined) return Promise.reject(this.problem);
    this.#known = registration;
    return Promise.resolve();
  }

  renew(): Promise<boolean> {
    this.#call('renew');
    return Promise.resolve(this.#known !== undefined);
  }

  withdraw(): Promise<void> {
    this.#known = undefined;
    this.#call('withdraw');
    return Promise.resolve();
  }

  list(): Promise<ModelListing[]> {
    return Promise.resolve([]);
  }

  resolve(): Promise<ModelListing | undefined> {
    return Promise.resolve(undefined);
  }

  remove(): Promise<RemovalOutcome> {
    return Promise.resolve('unknown');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #call(name: string): void {
    this.calls.push(name);
    this.#listener();
  }
}
