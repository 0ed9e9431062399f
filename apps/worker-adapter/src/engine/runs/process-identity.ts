import type { EngineLoad } from '@fovea/backends';

/** Counters of a process only grow. */
const counters = ['generatedTokens', 'promptTokens'] as const;

/**
 * Tells by an engine's figures whether another process answers now: one that began at another time, or whose counters
 * fell back. So a death is known although the engine was back before anybody asked for its health.
 */
export class ProcessIdentity {
  #last: EngineLoad = {};
  #changedAtMs = Number.NEGATIVE_INFINITY;

  /** False until the engine says anything by which its process could be told. */
  get hasFigures(): boolean {
    return this.#last.startedAtS !== undefined || this.#last.generatedTokens !== undefined;
  }

  /** Takes the engine's figures; true when they are those of another process than before. */
  read(load: EngineLoad): boolean {
    const { startedAtS } = this.#last;
    const began = load.startedAtS !== undefined && startedAtS !== undefined && load.startedAtS !== startedAtS;
    const fellBack = counters.some(
      (name) => (load[name] ?? Number.POSITIVE_INFINITY) < (this.#last[name] ?? 0),
    );
    this.#last = { ...this.#last, ...load };
    if (began || fellBack) this.#changedAtMs = performance.now();
    return began || fellBack;
  }

  /** True when another process was seen after that moment (`performance.now()`). */
  hasChangedSince(atMs: number): boolean {
    return this.#changedAtMs > atMs;
  }
}
