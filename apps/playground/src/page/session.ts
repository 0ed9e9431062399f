import { type Limits, type Model, readModels } from '../wire/models.js';

const STORED = 'fovea-key';

/** The key and what it opens. The key is kept for this tab only, and sent nowhere but to this origin. */
export class Session {
  #key: string | undefined = sessionStorage.getItem(STORED) ?? undefined;
  #models: readonly Model[] = [];
  #limits: Limits | undefined;
  readonly #onChange: (() => void)[] = [];

  get key(): string | undefined {
    return this.#key;
  }

  get models(): readonly Model[] {
    return this.#models;
  }

  /** Undefined until a key has been accepted. */
  get limits(): Limits | undefined {
    return this.#limits;
  }

  onChange(listener: () => void): void {
    this.#onChange.push(listener);
  }

  /** Tries a key and keeps it when it opens the door. Throws `ProblemError`. */
  async open(key: string): Promise<void> {
    const { models, limits } = await readModels(key);
    sessionStorage.setItem(STORED, key);
    this.#key = key;
    this.#models = models;
    this.#limits = limits;
    this.#tell();
  }

  /** Asks again what there is. Throws `ProblemError`. */
  async refresh(): Promise<void> {
    if (this.#key !== undefined) await this.open(this.#key);
  }

  forget(): void {
    sessionStorage.removeItem(STORED);
    this.#key = undefined;
    this.#models = [];
    this.#limits = undefined;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#onChange) listener();
  }
}
