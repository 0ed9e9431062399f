import type { HealthBehaviour } from '../engine/health.js';
import type { Degradation } from '../engine/pulse.js';
import type { Gauges } from '../metrics/engine-metrics.js';

export interface CrashOptions {
  /** Starts again in place after so many milliseconds; otherwise only `restart` does. */
  readonly restartAfterMs?: number | undefined;
}

/** What a test does to the engine as a whole while it runs. */
export interface EngineControls {
  /** The process is gone: every connection is reset and new ones are refused, until `restart`. */
  crash(options?: CrashOptions): Promise<void>;
  /** Listens again on the same port, with empty caches and metrics at zero. Does nothing while it listens. */
  restart(): Promise<void>;
  /**
   * The engine dies under its server, as vLLM's does: requests in flight end with a 500 or an error event,
   * `/health` turns 503, new requests get 500, and after `deathGraceMs` the server stops as in `crash`.
   */
  die(): void;
  /** The whole engine stops making steps while `/health` stays green; clients that leave free nothing. */
  hangEngine(): void;
  /** Ends a hang or a decline. */
  resumeEngine(): void;
  /** Every step takes longer than the one before, until the engine dies. */
  degrade(options: Degradation): void;
  /** While on, every request gets the 503 of a full queue. */
  setOverload(isOn: boolean): void;
  /** What `/health` says; a boolean is short for `{ healthy }`. */
  setHealthy(health: boolean | HealthBehaviour): void;
  /** Shows these values in `/metrics` in place of the true ones; `{}` ends it. */
  showGauges(gauges: Partial<Gauges>): void;
  /** Milliseconds for requests to come; what is left out stays. */
  setPace(pace: { readonly ttftMs?: number | undefined; readonly interTokenMs?: number | undefined }): void;
}
