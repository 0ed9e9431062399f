import type { EngineLoad } from '@fovea/backends';

/**
 * When an engine has enough to do: a request that waits in it can't be cancelled for free, overtaken or run elsewhere.
 * The thresholds are llm-d's for a saturated worker; those to let go are lower, so that the brake does not flutter.
 */
const SATURATED = { waiting: 5, kvCacheUsage: 0.8 };
const RELIEVED = { waiting: 2, kvCacheUsage: 0.7 };

/** Says from an engine's own figures whether it may be given more. What is too old to be trusted counts as unknown. */
export class LoadBrake {
  readonly #maxAgeMs: number;
  #isOn = false;
  #load: EngineLoad | undefined;
  #readAtMs = 0;

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** The last figures; undefined when there are none to trust. */
  get load(): EngineLoad | undefined {
    return this.#load;
  }

  read(load: EngineLoad, nowMs: number): void {
    const { waiting = 0, kvCacheUsage = 0 } = load;
    this.#isOn = this.#isOn
      ? waiting > RELIEVED.waiting || kvCacheUsage > RELIEVED.kvCacheUsage
      : waiting >= SATURATED.waiting || kvCacheUsage >= SATURATED.kvCacheUsage;
    this.#load = load;
    this.#readAtMs = nowMs;
  }

  /** True when the figures have become too old. */
  isStale(nowMs: number): boolean {
    return this.#load !== undefined && nowMs - this.#readAtMs > this.#maxAgeMs;
  }

  forget(): void {
    this.#load = undefined;
    this.#isOn = false;
  }
}
