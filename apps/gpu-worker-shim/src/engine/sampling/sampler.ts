import { highestLogit } from '../decoder/highest-logit.js';
import { SeededRandom } from './random.js';
import { selectTopCount, selectTopMass } from './top-candidates.js';

/** One choice's sampling parameters, all resolved. */
export interface SamplerSettings {
  /** Below 1e-5: greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 0: no limit. */
  readonly topK: number;
  readonly minP: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly repetitionPenalty: number;
  readonly logitBias: ReadonlyMap<number, number>;
  readonly seed: number | bigint;
  /** Tokens that may not come before `minTokens` others have. */
  readonly stopTokenIds: readonly number[];
  readonly minTokens: number;
}

const GREEDY_BELOW = 1e-5;
/** vLLM raises smaller temperatures to this one, since logits divided by them overflow. */
const LOWEST_TEMPERATURE = 0.01;

/** Working memory of one vocabulary; all samplers of a thread use it in turn. */
export class SamplerScratch {
  readonly logits: Float32Array;
  readonly weights: Float64Array;
  readonly ids: Int32Array;

  constructor(vocabularySize: number) {
    this.logits = new Float32Array(vocabularySize);
    this.weights = new Float64Array(vocabularySize);
    this.ids = new Int32Array(vocabularySize);
  }
}

/** Picks the next token of one sequence; the order of the steps is vLLM's. Rows do not influence each other. */
export class Sampler {
  private readonly counts = new Map<number, number>();
  private readonly seen: Set<number>;
  private readonly random: SeededRandom;
  private sampled = 0;

  constructor(
    private readonly settings: SamplerSettings,
    promptIds: Iterable<number>,
    private readonly scratch: SamplerScratch,
  ) {
    this.seen = new Set(settings.repetitionPenalty === 1 ? [] : promptIds);
    this.random = new SeededRandom(settings.seed);
  }

  /** Is the token with the highest logit all that matters next? */
  get takesBest(): boolean {
    return this.isGreedy && this.isPlain;
  }

  /**
   * The next token id. `row` holds the model's logits and is left as it is; throws when none is finite. Where `takesBest`
   * is true it may be the id of the highest one.
   */
  next(row: Float32Array | number): number {
    const id = typeof row === 'number' ? row : this.pick(row);
    this.note(id);
    return id;
  }

  /** Takes a token as sampled that was sampled elsewhere: what comes next is what would have come there. */
  resume(id: number): void {
    if (!this.isGreedy) this.random.next();
    this.note(id);
  }

  private get isGreedy(): boolean {
    return this.settings.temperature < GREEDY_BELOW;
  }

  private note(id: number): void {
    this.sampled += 1;
    this.seen.add(id);
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
  }

  /** Is nothing to be changed in the next logits? */
  private get isPlain(): boolean {
    const { settings } = this;
    return (
      this.sampled >= settings.minTokens &&
      settings.logitBias.size === 0 &&
      settings.repetitionPenalty === 1 &&
      settings.frequencyPenalty === 0 &&
      settings.presencePenalty === 0
    );
  }

  private pick(row: Float32Array): number {
    const logits = this.adjusted(row);
    const best = highestLogit(logits);
    return this.isGreedy ? best : this.draw(logits, logits[best]!);
  }

  /** The logits that are sampled from: the row itself where nothing is to be changed in it. */
  private adjusted(row: Float32Array): Float32Array {
    const { scratch } = this;
    if (this.isPlain) return row;
    scratch.logits.set(row);
    this.adjust(scratch.logits);
    return scratch.logits;
  }

  /** Masks, biases and penalties, in place. */
  private adjust(logits: Float32Array): void {
    const { settings } = this;
    if (this.sampled < settings.minTokens) {
      for (const id of settings.stopTokenIds) logits[id] = -Infinity;
    }
    for (const [id, bias] of settings.logitBias) logits[id]! += bias;
    if (settings.repetitionPenalty !== 1) {
      for (const id of this.seen) {
        const logit = logits[id]!;
        logits[id] = logit > 0 ? logit / settings.repetitionPenalty : logit * settings.repetitionPenalty;
      }
    }
    if (settings.frequencyPenalty === 0 && settings.presencePenalty === 0) return;
    for (const [id, count] of this.counts) {
      logits[id]! -= settings.frequencyPenalty * count + settings.presencePenalty;
    }
  }

  private draw(logits: Float32Array, best: number): number {
    const { ids, weights } = this.scratch;
    const { minP, topK, topP } = this.settings;
    const temperature = Math.max(LOWEST_TEMPERATURE, this.settings.temperature);
    let count = 0;
    for (let id = 0; id < logits.length; id += 1) {
      const weight = Math.exp((logits[id]! - best) / temperature);
      weights[id] = weight;
      // The best token has weight 1, so a share of its probability is the weight itself.
      if (weight > 0 && weight >= minP) ids[count++] = id;
    }
    if (topK > 0 && topK < count) {
      selectTopCount(ids, weights, count, topK);
      count = topK;
    }
    if (topP < 1) count = selectTopMass(ids, weights, count, topP * sum(ids, weights, count));
    return pick(ids, weights, count, this.random.next() * sum(ids, weights, count));
  }
}

function sum(ids: Int32Array, weights: Float64Array, count: number): number {
  let total = 0;
  for (let at = 0; at < count; at += 1) total += weights[ids[at]!]!;
  return total;
}

function pick(ids: Int32Array, weights: Float64Array, count: number, target: number): number {
  let reached = 0;
  for (let at = 0; at < count; at += 1) {
    reached += weights[ids[at]!]!;
    if (reached > target) return ids[at]!;
  }
  return ids[count - 1]!;
}
