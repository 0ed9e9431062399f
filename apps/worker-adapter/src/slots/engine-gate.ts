import type { EngineLoad } from '@fovea/backends';
import type { LaneKind } from '@fovea/schemas/jobs';
import { LoadBrake } from './load-brake.js';
import { defaultOverloadRules, OverloadLimit, type OverloadRules } from './overload-limit.js';
import { TokenBudget } from './token-budget.js';

export interface GateRequest {
  readonly lane: LaneKind;
  /** Most tokens of prompt and answer that the job may keep in the engine's cache. */
  readonly tokens: number;
  /** An engine died while it ran: it must not be beside another suspect. */
  readonly isSuspect?: boolean;
}

/** A job inside the engine. */
export interface Entry {
  readonly lane: LaneKind;
  readonly isSuspect: boolean;
  readonly enteredAtMs: number;
  /** The engine has begun to answer. */
  hasAnswered: boolean;
  /** Gives the place back, once. */
  leave(): void;
}

/** What a lane has of an engine. */
export interface LaneSlots {
  readonly lane: LaneKind;
  readonly inUse: number;
  /** What may be used now: less than `total` after the engine refused work. */
  readonly effective: number;
  readonly total: number;
}

export interface GateOptions {
  readonly slots: ReadonlyMap<LaneKind, number>;
  /** Figures of the engine's load that are older are not trusted. */
  readonly maxLoadAgeMs?: number;
  readonly overload?: OverloadRules;
}

const MAX_LOAD_AGE_MS = 1_000;

/**
 * How much one engine may be given at once: slots for each lane, tokens for all of them together, and nothing more while
 * it says itself that it has enough to do.
 */
export class EngineGate {
  readonly #budget: TokenBudget;
  readonly #slots: ReadonlyMap<LaneKind, number>;
  readonly #inside = new Set<Entry>();
  readonly #inUse = new Map<LaneKind, number>();
  readonly #listeners = new Set<() => void>();
  readonly #brake: LoadBrake;
  readonly #overload: OverloadLimit;
  #hidden = 0;

  constructor({ slots, maxLoadAgeMs = MAX_LOAD_AGE_MS, overload = defaultOverloadRules }: GateOptions) {
    this.#slots = slots;
    this.#budget = new TokenBudget([...slots.keys()]);
    this.#brake = new LoadBrake(maxLoadAgeMs);
    this.#overload = new OverloadLimit(overload, () => this.#changed());
  }

  /** Told after each change of what the gate admits. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Ends its timers. */
  stop(): void {
    this.#overload.stop();
  }

  /** What the jobs inside may keep in the engine's cache together. */
  get tokens(): { readonly inUse: number; readonly total: number } {
    return { inUse: this.#budget.inUse, total: this.#budget.total };
  }

  set tokenBudget(tokens: number) {
    this.#budget.total = tokens;
    this.#changed();
  }

  /** True while a suspect is inside. */
  get hasSuspect(): boolean {
    for (const { isSuspect } of this.#inside) if (isSuspect) return true;
    return false;
  }

  /** Jobs inside the engine now. */
  get entries(): ReadonlySet<Entry> {
    return this.#inside;
  }

  get lanes(): LaneSlots[] {
    return [...this.#slots].map(([lane, total]) => {
      return { lane, inUse: this.#usedBy(lane), effective: this.#overload.of(total), total };
    });
  }

  /** Why nothing is given to the engine now: its own figures, or a refusal a moment ago. */
  get brake(): { readonly load: boolean; readonly refusal: boolean } {
    return { load: this.#brake.isOn, refusal: this.#overload.isPaused };
  }

  /** The engine's figures as far as they can be trusted. */
  get load(): EngineLoad | undefined {
    return this.#brake.load;
  }

  /**
   * True when the lane has a slot and the engine takes work. Pictures that an engine prepares are in none of its figures
   * (vLLM issue 44688) and hold up everything in it; so requests it does not know yet take slots of the media lane.
   */
  hasSlot(lane: LaneKind): boolean {
    const total = this.#slots.get(lane);
    if (total === undefined || this.#brake.isOn || this.#overload.isPaused) return false;
    const hidden = lane === 'media' ? Math.min(this.#hidden, this.#inside.size) : 0;
    const inUse = Math.max(this.#usedBy(lane), hidden);
    return inUse < this.#overload.of(total);
  }

  /** `mayBorrow`: nobody stands in line before this job for tokens. */
  admits({ lane, tokens }: GateRequest, mayBorrow = true): boolean {
    return this.hasSlot(lane) && this.#budget.fits(lane, tokens, mayBorrow);
  }

  /** The lane's part of its slots that is in use, 0 to 1. */
  loadOf(lane: LaneKind): number {
    return this.#usedBy(lane) / this.#overload.of(this.#slots.get(lane) ?? 1);
  }

  /** Takes a place that `admits` has seen. */
  enter({ lane, tokens, isSuspect = false }: GateRequest): Entry {
    const giveBack = this.#budget.take(lane, tokens);
    const entry: Entry = {
      lane,
      isSuspect,
      enteredAtMs: performance.now(),
      hasAnswered: false,
      leave: () => {
        if (!this.#inside.delete(entry)) return;
        giveBack();
        this.#inUse.set(lane, this.#usedBy(lane) - 1);
        this.#changed();
      },
    };
    this.#inside.add(entry);
    this.#inUse.set(lane, this.#usedBy(lane) + 1);
    this.#changed();
    return entry;
  }

  /** The engine had no room for this job (503): it gets less for a while, and nothing for a moment. */
  refuse({ enteredAtMs }: Entry, retryAfterS?: number): void {
    this.#overload.refuse(enteredAtMs, retryAfterS);
  }

  /** Takes the engine's figures, and which jobs were inside before it was asked for them. */
  readLoad(load: EngineLoad, before: ReadonlySet<Entry>): void {
    this.#brake.read(load, performance.now());
    this.#hidden = this.#countHidden(load, before);
    this.#changed();
  }

  /** No figures came: the last ones count until they are too old. */
  missLoad(): void {
    if (this.#brake.isStale(performance.now())) this.forgetLoad();
  }

  /** Nobody asks for figures any more. */
  forgetLoad(): void {
    if (this.load === undefined) return;
    this.#brake.forget();
    this.#hidden = 0;
    this.#changed();
  }

  #countHidden({ running, waiting = 0 }: EngineLoad, before: ReadonlySet<Entry>): number {
    if (running === undefined) return 0;
    const own = [...this.#inside].filter((entry) => before.has(entry));
    const silent = own.filter(({ hasAnswered }) => !hasAnswered).length;
    return Math.min(silent, Math.max(0, own.length - running - waiting));
  }

  #usedBy(lane: LaneKind): number {
    return this.#inUse.get(lane) ?? 0;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
