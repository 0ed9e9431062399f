import type { LaneKind } from '@fovea/schemas/jobs';

export interface GateRequest {
  readonly lane: LaneKind;
  /** Most tokens of prompt and answer that the job may keep in the engine's cache. */
  readonly tokens: number;
}

/** What a lane has of an engine. */
export interface LaneSlots {
  readonly lane: LaneKind;
  readonly inUse: number;
  readonly total: number;
}

/** How much one engine may be given at once. */
export class EngineGate {
  readonly #slots: ReadonlyMap<LaneKind, number>;
  readonly #inUse = new Map<LaneKind, number>();
  readonly #listeners = new Set<() => void>();

  constructor(slots: ReadonlyMap<LaneKind, number>) {
    this.#slots = slots;
  }

  /** Told after each change of what the gate admits. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  get lanes(): LaneSlots[] {
    return [...this.#slots].map(([lane, total]) => ({ lane, inUse: this.#inUse.get(lane) ?? 0, total }));
  }

  hasSlot(lane: LaneKind): boolean {
    return (this.#inUse.get(lane) ?? 0) < (this.#slots.get(lane) ?? 0);
  }

  admits({ lane }: GateRequest): boolean {
    return this.hasSlot(lane);
  }

  /** The lane's part of its slots that is in use, 0 to 1. */
  loadOf(lane: LaneKind): number {
    return (this.#inUse.get(lane) ?? 0) / (this.#slots.get(lane) ?? 1);
  }

  /** Takes a place that `admits` has seen. The returned function gives it back, once. */
  enter({ lane }: GateRequest): () => void {
    this.#count(lane, 1);
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.#count(lane, -1);
    };
  }

  #count(lane: LaneKind, change: number): void {
    this.#inUse.set(lane, (this.#inUse.get(lane) ?? 0) + change);
    for (const listener of this.#listeners) listener();
  }
}
