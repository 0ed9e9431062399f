import type { ChoiceEnd, SampledLogprob, TokenLogprob } from '../models/chat-model.js';
import { type IdLogprob, rowLogprobs } from './sampling/logprobs.js';
import { Sampler, type SamplerScratch, type SamplerSettings } from './sampling/sampler.js';
import { StopStrings } from './text/stop-strings.js';
import { IncrementalText, type TokenBytes } from './text/token-text.js';

/** Everything that shapes one choice, resolved: nothing is left to a default. Plain data, so it can change threads. */
export interface SequenceSettings extends SamplerSettings {
  /** At least 1; prompt and completion together fit the context. */
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
  readonly end?: ChoiceEnd;
  readonly completionTokens: number;
}

/** One choice while it is generated: picks tokens, turns them into text, and knows when to end. */
export class Sequence {
  private readonly sampler: Sampler;
  private readonly text: IncrementalText;
  private readonly stops: StopStrings;
  private completionTokens = 0;
  /** The token to be fed next. */
  lastToken = -1;
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

  /** Samples from the model's logits for this row and gives out what the new token makes known. */
  accept(row: Float32Array): SequencePiece {
    const id = this.sampler.next(row);
    this.lastToken = id;
    this.completionTokens += 1;
    const { text, end } = this.advance(id);
    if (end !== undefined) this.hasEnded = true;
    return {
      index: this.index,
      text,
      tokenIds: [id],
      completionTokens: this.completionTokens,
      ...(this.settings.topLogprobs !== undefined && {
        logprobs: [this.logprob(row, id, this.settings.topLogprobs)],
      }),
      ...(end !== undefined && { end }),
    };
  }

  private advance(id: number): { text: string; end?: ChoiceEnd } {
    const stopped = this.stopToken(id);
    if (stopped !== undefined) {
      const shown = this.settings.includeStop ? this.text.push(id) : '';
      return { text: this.stops.push(shown, true).text + this.remainder(), end: stopped };
    }
    const match = this.stops.push(this.text.push(id), this.completionTokens > this.settings.minTokens);
    if (match.stop !== undefined) {
      return { text: match.text, end: { finishReason: 'stop', stopReason: match.stop } };
    }
    if (this.completionTokens < this.settings.maxTokens) return { text: match.text };
    return { text: match.text + this.remainder(), end: { finishReason: 'length', stopReason: null } };
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

  private logprob(row: Float32Array, id: number, count: number): SampledLogprob {
    const { sampled, top } = rowLogprobs(row, id, count);
    return { ...this.named(sampled), top: top.map((entry) => this.named(entry)) };
  }

  private named({ id, logprob }: IdLogprob): TokenLogprob {
    const bytes = this.tokens.bytesOf(id) ?? new Uint8Array();
    return { token: new TextDecoder().decode(bytes), logprob, bytes: [...bytes] };
  }
}
