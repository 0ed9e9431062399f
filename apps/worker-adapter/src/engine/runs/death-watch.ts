import { type EngineLoad, isEngineGone } from '@fovea/backends';
import type { Quarantine } from '@fovea/quarantine';
import { ProcessIdentity } from './process-identity.js';
import type { Death, Run, Verdict } from './run.js';

export interface DeathWatchParts {
  readonly quarantine: Pick<Quarantine, 'suspect' | 'condemn'>;
  /** Asks for the engine's health now; false when it is not healthy. */
  readonly recheck: () => Promise<boolean>;
  /** Why the last health check failed; undefined when it did not. */
  readonly healthError: () => unknown;
  /** Asks for the engine's figures now. */
  readonly look: () => Promise<EngineLoad>;
  /** Told of each death, and how many requests ran then. */
  readonly onDeath: (runs: number) => void;
  readonly onCondemned: (run: Run) => void;
  /** Told when `isDead` is no longer true. */
  readonly onRevival: () => void;
  /** Told that the quarantine could not be written: what ran is not suspected then. */
  readonly onError: (error: unknown) => void;
}

/**
 * How long after a failure a death still explains it. vLLM fails what runs first, and turns its health check red or
 * stops listening up to five seconds later.
 */
const EXPLAINS_MS = 5_000;
const MAX_REMEMBERED = 1_000;

/**
 * Decides whether an engine's process died, once for all that ran in that moment, and has them suspected.
 *
 * A death needs proof. A failed request says that the engine is gone (`isEngineGone`), or the health check that is made
 * right after it does, or the engine's figures are those of another process. A hang, a reset or a 500 of an engine that goes
 * on living is no death, and neither is that of this adapter: it writes nothing then.
 */
export class DeathWatch {
  readonly #parts: DeathWatchParts;
  readonly #identity = new ProcessIdentity();
  readonly #inside = new Set<Run>();
  /** Runs that the engine failed without a proof of its death, and when. */
  #unexplained: { readonly run: Run; readonly atMs: number }[] = [];
  #isDead = false;

  constructor(parts: DeathWatchParts) {
    this.#parts = parts;
  }

  /** True from a death until the engine answers its health check again. */
  get isDead(): boolean {
    return this.#isDead;
  }

  get inside(): ReadonlySet<Run> {
    return this.#inside;
  }

  begin(run: Run): void {
    this.#inside.add(run);
  }

  leave(run: Run): void {
    this.#inside.delete(run);
  }

  /** What the failure of a run says of the engine. The quarantine knows of a death when this resolves. */
  async investigate(run: Run, failure: unknown): Promise<Verdict> {
    const isGone = isEngineGone(failure) || (await this.#isGone(run));
    if (isGone && !this.#isKnown(run)) this.#declare();
    if (this.#isKnown(run)) return this.#judge(run);
    if (!this.#identity.hasFigures) this.#forgetOld();
    this.#unexplained.push({ run, atMs: performance.now() });
    if (this.#unexplained.length > MAX_REMEMBERED) this.#unexplained.shift();
    return 'alive';
  }

  /** Takes the engine's figures: those of another process explain what failed before. */
  read(load: EngineLoad): void {
    const isOther = this.#identity.read(load);
    if (isOther && this.#unexplained.length > 0 && !this.#isDead) this.#declare();
    else if (!isOther && this.#identity.hasFigures) this.#forgetOld();
  }

  /** The health check calls the engine dead. */
  healthFailed(): void {
    this.#forgetOld();
    const isSuspicious = this.#inside.size + this.#unexplained.length > 0;
    if (isSuspicious && !this.#isDead && isEngineGone(this.#parts.healthError())) this.#declare();
  }

  /** The engine answers its health check. */
  revive(): void {
    if (!this.#isDead) return;
    this.#isDead = false;
    this.#parts.onRevival();
  }

  /** A run that is sent to an engine that is known to be dead is none of its victims. */
  #isKnown(run: Run): boolean {
    return run.death !== undefined || this.#isDead;
  }

  async #isGone(run: Run): Promise<boolean> {
    await this.#parts.recheck();
    if (this.#isKnown(run) || isEngineGone(this.#parts.healthError())) return true;
    if (this.#identity.hasChangedSince(run.beganAtMs)) return true;
    try {
      this.read(await this.#parts.look());
    } catch (error) {
      return isEngineGone(error);
    }
    return this.#identity.hasChangedSince(run.beganAtMs);
  }

  #declare(): void {
    this.#isDead = true;
    if (!this.#identity.hasFigures) this.#forgetOld();
    const runs = [...this.#inside, ...this.#unexplained.map(({ run }) => run)];
    this.#unexplained = [];
    const suspects = runs.filter(({ isSuspect }) => isSuspect);
    const culprit = suspects.length === 1 ? suspects[0] : undefined;
    const death: Death = { culprit, recorded: this.#record(runs, culprit) };
    for (const run of runs) run.death = death;
    this.#parts.onDeath(runs.length);
  }

  async #record(runs: readonly Run[], culprit: Run | undefined): Promise<void> {
    const { quarantine, onError } = this.#parts;
    const fingerprints = new Set(runs.map(({ request }) => request.fingerprint));
    await quarantine.suspect([...fingerprints]).catch(onError);
    // One that is inside has not failed yet: it is judged when it does.
    if (culprit !== undefined && !this.#inside.has(culprit)) await this.#condemn(culprit);
  }

  async #judge(run: Run): Promise<Verdict> {
    const isFit = await this.#parts.recheck();
    if (isFit) this.revive();
    await run.death?.recorded;
    if (run.death === undefined || run.death.culprit !== run) return 'died';
    await this.#condemn(run);
    return 'condemned';
  }

  async #condemn(run: Run): Promise<void> {
    this.#parts.onCondemned(run);
    await this.#parts.quarantine.condemn(run.request.fingerprint).catch(this.#parts.onError);
  }

  #forgetOld(): void {
    const nowMs = performance.now();
    this.#unexplained = this.#unexplained.filter(({ atMs }) => nowMs - atMs < EXPLAINS_MS);
  }
}
