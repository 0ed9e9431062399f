import { FoveaError } from '@fovea/errors';
import type { ChoiceEnd, PromptLogprob, SampledLogprob } from '../models/chat-model.js';
import { rowLogprobs } from './sampling/logprobs.js';
import { Sampler, type SamplerScratch, type SamplerSettings } from './sampling/sampler.js';
import { nameLogprob } from './text/name-logprob.js';
import { StopStrings } from './text/stop-strings.js';
import { IncrementalText, type TokenBytes } from './text/token-text.js';

/** Everything that shapes one choice, resolved: nothing is left to a default. Plain data, so it can change threads. */
export interface SequenceSettings extends SamplerSettings {
  /** 0: only the prompt is run. Prompt and completion together fit the context. */
  readonly maxTokens: number;
  readonly eosTokenIds: readonly number[];
  readonly ignoreEos: boolean;
  /** The client's own stop tokens; `stopTokenIds` holds these and, unless ignored, the end-of-text tokens. */
  readonly clientStopTokenIds: readonly number[];
  readonly stop: readonly string[];
  readonly includeStop: boolean;
  readonly skipSpecialTokens: boolean;
  /** Absent: no log probabilities. */
  readonly topLogprobs?: number;
}

/** What one step adds to a choice. */
export interface SequencePiece {
  readonly index: number;
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly logprobs?: readonly SampledLogprob[];
  /** Where they were asked for: of the prompt's next tokens, from the second one on. Nothing else is in such a piece. */
  readonly promptLogprobs?: readonly (PromptLogprob | null)[];
  readonly end?: ChoiceEnd;
  readonly completionTokens: number;
}

/** One choice while it is generated: picks tokens, turns them into text, and knows when to end. */
export class Sequence {
  private readonly sampler: Sampler;
  private readonly text: IncrementalText;
  private readonly stops: StopStrings;
  private readonly generated: number[] = [];
  hasEnded = false;

  constructor(
    readonly index: number,
    private readonly settings: SequenceSettings,
    promptIds: Iterable<number>,
    private readonly tokens: TokenBytes,
    scratch: SamplerScratch,
  ) {
    this.sampler = new Sampler(settings, promptIds, scratch);
    this.text = new IncrementalText(tokens, settings.skipSpecialTokens);
    this.stops = new StopStrings(settings.stop, settings.includeStop);
  }

  /** All tokens of the answer so far; the last one is to be fed next. */
  get answerIds(): readonly number[] {
    return this.generated;
  }

  /** Are all logits needed for the next token? Otherwise the id of the highest one is enough. */
  get wantsLogits(): boolean {
    return this.settings.topLogprobs !== undefined || !this.sampler.takesBest;
  }

  private get completionTokens(): number {
    return this.generated.length;
  }

  /**
   * Goes on behind tokens that were generated elsewhere, as if they had been generated here; their text is not given
   * out again, but what of it was held back is.
   *
   * @throws FoveaError `INVALID_REQUEST` when the answer ends with them.
   */
  resume(ids: readonly number[]): void {
    for (const id of ids) {
      this.sampler.resume(id);
      this.generated.push(id);
      if (this.advance(id).end === undefined) continue;
      throw new FoveaError('INVALID_REQUEST', {
        message: 'answer_token_ids hold an answer that has ended; there is nothing to go on with.',
        param: 'answer_token_ids',
      });
    }
  }

  /**
   * Samples from the model's logits for this row and gives out what the new token makes known. Where `wantsLogits` was
   * false the id of the highest one may come in their place.
   */
  accept(row: Float32Array | number): SequencePiece {
    if (this.settings.maxTokens === 0) return this.endUnheard();
    const id = this.sampler.next(row);
    this.generated.push(id);
    const { text, end, isHidden } = this.advance(id);
    if (end !== undefined) this.hasEnded = true;
    return {
      index: this.index,
      text,
      tokenIds: [id],
      completionTokens: this.completionTokens,
      ...(typeof row !== 'number' &&
        this.settings.topLogprobs !== undefined && {
          logprobs: [{ ...this.logprob(row, id, this.settings.topLogprobs), ...(isHidden && { isHidden }) }],
        }),
      ...(end !== undefined && { end }),
    };
  }

  /** A budget of nothing: the logits of the prompt are there, no token is wanted. */
  private endUnheard(): SequencePiece {
    this.hasEnded = true;
    const end = { finishReason: 'length', stopReason: null } as const;
    return { index: this.index, text: '', tokenIds: [], completionTokens: 0, end };
  }

  private advance(id: number): { text: string; isHidden: boolean; end?: ChoiceEnd } {
    const stopped = this.stopToken(id);
    const isSkipped = this.settings.skipSpecialTokens && this.tokens.isSpecial(id);
    if (stopped !== undefined) {
      const shown = this.settings.includeStop ? this.text.push(id) : '';
      const text = this.stops.push(shown, true).text + this.remainder();
      return { text, isHidden: isSkipped || !this.settings.includeStop, end: stopped };
    }
    const match = this.stops.push(this.text.push(id), this.completionTokens > this.settings.minTokens);
    const { text } = match;
    if (match.stop !== undefined) {
      return { text, isHidden: isSkipped, end: { finishReason: 'stop', stopReason: match.stop } };
    }
    if (this.completionTokens < this.settings.maxTokens) return { text, isHidden: isSkipped };
    const end = { finishReason: 'length', stopReason: null } as const;
    return { text: text + this.remainder(), isHidden: isSkipped, end };
  }

  private stopToken(id: number): ChoiceEnd | undefined {
    const { settings } = this;
    if (!settings.ignoreEos && settings.eosTokenIds.includes(id)) {
      return { finishReason: 'stop', stopReason: null };
    }
    return settings.clientStopTokenIds.includes(id) ? { finishReason: 'stop', stopReason: id } : undefined;
  }

  private remainder(): string {
    return this.stops.flush() + this.text.flush();
  }

  private logprob(row: Float32Array, id: number, count: number) {
    const { sampled, top } = rowLogprobs(row, id, count);
    const { tokens } = this;
    return { ...nameLogprob(sampled, tokens), top: top.map((entry) => nameLogprob(entry, tokens)) };
  }
}
