import type { GenerationEvent } from '@fovea/schemas/events';

/** Times of one generation on the monotonic clock of this process. */
export class GenerationTiming {
  readonly #takenAtMs = performance.now();
  readonly #lastDeltaAtMs = new Map<number, number>();
  #engineStartedAtMs: number | undefined;
  #firstTokenAtMs: number | undefined;

  /** The engine has been asked. */
  startEngine(): void {
    this.#engineStartedAtMs = performance.now();
  }

  /** Calls back with each gap between successive pieces of one choice. */
  observe(events: readonly GenerationEvent[], onGap: (gapS: number) => void): void {
    const nowMs = performance.now();
    for (const event of events) {
      if (event.type !== 'text-delta' && event.type !== 'reasoning-delta') continue;
      this.#firstTokenAtMs ??= nowMs;
      const lastMs = this.#lastDeltaAtMs.get(event.index);
      if (lastMs !== undefined) onGap((nowMs - lastMs) / 1_000);
      this.#lastDeltaAtMs.set(event.index, nowMs);
    }
  }

  /** Seconds since the job was taken. */
  get durationS(): number {
    return (performance.now() - this.#takenAtMs) / 1_000;
  }

  /** Seconds from the engine's start to its first piece; undefined when there was none. */
  get ttftS(): number | undefined {
    if (this.#firstTokenAtMs === undefined || this.#engineStartedAtMs === undefined) return undefined;
    return (this.#firstTokenAtMs - this.#engineStartedAtMs) / 1_000;
  }
}
