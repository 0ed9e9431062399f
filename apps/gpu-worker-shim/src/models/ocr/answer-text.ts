import { StopStrings } from '../../engine/text/stop-strings.js';
import type { ChatModelSampling, ChoiceEnd } from '../chat-model.js';

/** A piece of the answer after stop strings and budget; with `end` it is the last one. */
export interface AnswerPiece {
  readonly text: string;
  /** So far, this piece included. */
  readonly completionTokens: number;
  readonly end?: ChoiceEnd;
}

/**
 * Applies what a request may ask of an answer to text that is not sampled: stop strings and the token budget. A token
 * is one character (Unicode code point), blanks and line breaks included.
 */
export class AnswerText {
  private readonly stops: StopStrings;
  private tokens = 0;

  constructor(
    sampling: Pick<ChatModelSampling, 'stop' | 'includeStopString'>,
    private readonly maxTokens: number,
  ) {
    this.stops = new StopStrings(sampling.stop ?? [], sampling.includeStopString ?? false);
  }

  add(text: string): AnswerPiece {
    const characters = [...text];
    const taken = characters.slice(0, this.maxTokens - this.tokens);
    this.tokens += taken.length;
    const match = this.stops.push(taken.join(''), true);
    if (match.stop !== undefined)
      return this.piece(match.text, { finishReason: 'stop', stopReason: match.stop });
    if (taken.length === characters.length) return this.piece(match.text);
    return this.piece(match.text + this.stops.flush(), { finishReason: 'length', stopReason: null });
  }

  /** The last piece when everything has been read. */
  finish(): AnswerPiece {
    return this.piece(this.stops.flush(), { finishReason: 'stop', stopReason: null });
  }

  private piece(text: string, end?: ChoiceEnd): AnswerPiece {
    return { text, completionTokens: this.tokens, ...(end !== undefined && { end }) };
  }
}
