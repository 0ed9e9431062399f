import type { Backend, EngineLoad, EngineModel } from '@fovea/backends';
import { pause } from '../pause.js';
import { boundedCall } from './health/bounded-call.js';
import { describeProblem } from './health/engine-health.js';

export interface DescriptionParts {
  readonly backend: Backend;
  readonly retryMs: number;
  /** Takes what the engine serves and its figures; what it throws is a reason to ask again. */
  readonly onAnswer: (models: readonly EngineModel[], load: EngineLoad) => void;
  /** Told why the engine could not say what it serves; it is asked again. */
  readonly onError: (error: unknown) => void;
}

const ASK_TIMEOUT_MS = 5_000;

/** Asks an engine what it serves until it says so. */
export class Description {
  readonly #parts: DescriptionParts;
  #isKnown = false;
  #asking = new AbortController();
  #asked: Promise<void> = Promise.resolve();
  #lastProblem: string | undefined;

  constructor(parts: DescriptionParts) {
    this.#parts = parts;
  }

  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Why the engine could not be asked last; for the log. */
  get lastProblem(): string | undefined {
    return this.#isKnown ? undefined : this.#lastProblem;
  }

  /** What was said counts no more. */
  forget(): void {
    this.#isKnown = false;
    this.#asking.abort(new Error('the engine is not healthy'));
  }

  ask(): void {
    this.#asking = new AbortController();
    this.#asked = this.#askUntilKnown(this.#asking.signal);
  }

  async stop(): Promise<void> {
    this.#asking.abort(new Error('the worker leaves'));
    await this.#asked;
  }

  async #askUntilKnown(signal: AbortSignal): Promise<void> {
    const { backend, retryMs, onAnswer, onError } = this.#parts;
    while (!signal.aborted) {
      try {
        const models = await boundedCall(signal, ASK_TIMEOUT_MS, (bounded) => backend.models(bounded));
        const load = await this.#askLoad(signal);
        this.#isKnown = true;
        onAnswer(models, load);
        return;
      } catch (error) {
        this.#isKnown = false;
        if (signal.aborted) return;
        this.#lastProblem = describeProblem(error);
        onError(error);
        await pause(retryMs, signal);
      }
    }
  }

  /** Empty when it has no figures: the budget is guessed then. */
  async #askLoad(signal: AbortSignal): Promise<EngineLoad> {
    try {
      return await boundedCall(signal, ASK_TIMEOUT_MS, (bounded) => this.#parts.backend.load(bounded));
    } catch {
      signal.throwIfAborted();
      return {};
    }
  }
}
