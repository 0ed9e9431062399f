import type { LaneKind } from '@fovea/schemas/jobs';

/**
 * The tokens that the running jobs of one engine may keep in its cache together, prompt and answer.
 *
 * Each lane has a part that the others leave alone, so that pictures never stop text nor text pictures; beyond it, lanes
 * share first come first served. A job over what its lane can ever get counts as all of it: it runs alone in its lane
 * instead of never.
 */
export class TokenBudget {
  readonly #used: Map<LaneKind, number>;
  #total = Number.POSITIVE_INFINITY;

  constructor(lanes: readonly LaneKind[]) {
    this.#used = new Map(lanes.map((lane) => [lane, 0]));
  }

  /** Infinite until it is set. */
  get total(): number {
    return this.#total;
  }

  /** Running jobs keep what they have, also when the total gets smaller. */
  set total(tokens: number) {
    if (!(tokens > 0)) throw new RangeError(`a token budget must be positive, got ${tokens}`);
    this.#total = tokens;
  }

  get inUse(): number {
    return [...this.#used.values()].reduce((total, tokens) => total + tokens, 0);
  }

  /** Without `mayBorrow` a job fits only into its lane's own part: somebody else waits for the rest. */
  fits(lane: LaneKind, tokens: number, mayBorrow: boolean): boolean {
    const weight = this.#weigh(tokens);
    const own = this.#usedBy(lane);
    if (!mayBorrow) return own + weight <= this.#reserve;
    const keptFree = [...this.#used]
      .filter(([other]) => other !== lane)
      .reduce((kept, [, used]) => kept + Math.max(0, this.#reserve - used), 0);
    return this.inUse + weight + keptFree <= this.#total;
  }

  /** Takes tokens that `fits` has seen. The returned function gives them back, once. */
  take(lane: LaneKind, tokens: number): () => void {
    const weight = this.#weigh(tokens);
    this.#used.set(lane, this.#usedBy(lane) + weight);
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.#used.set(lane, this.#usedBy(lane) - weight);
    };
  }

  /** Half of the budget is divided among the lanes; with one lane there is nobody to keep it for. */
  get #reserve(): number {
    return this.#total / (2 * this.#used.size);
  }

  #weigh(tokens: number): number {
    if (this.#total === Number.POSITIVE_INFINITY) return tokens;
    return Math.min(tokens, Math.floor(this.#total - this.#reserve * (this.#used.size - 1)));
  }

  #usedBy(lane: LaneKind): number {
    return this.#used.get(lane) ?? 0;
  }
}

/** Tokens of a usual request, prompt and answer. */
const TYPICAL_REQUEST_TOKENS = 2_048;
/** Some are larger, and a part is kept for each lane: slots that are all alike must not meet the budget first. */
const HEADROOM = 2;

export interface BudgetFacts {
  /** What the operator says. */
  readonly configured: number | undefined;
  /** What the engine's cache holds, as it reports. */
  readonly kvCacheTokens: number | undefined;
  /** Slots of all lanes of the engine. */
  readonly slots: number;
  readonly maxModelLen: number;
}

/** An engine's budget: the operator's figure, else the engine's cache, else two usual requests for each slot. */
export function tokenBudgetOf({ configured, kvCacheTokens, slots, maxModelLen }: BudgetFacts): number {
  return configured ?? kvCacheTokens ?? slots * HEADROOM * Math.min(maxModelLen, TYPICAL_REQUEST_TOKENS);
}
