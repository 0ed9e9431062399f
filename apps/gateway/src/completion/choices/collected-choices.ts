import type { FinishReason, GenerationEvent, Logprob } from '@fovea/schemas/events';

/** One text that goes on from a prompt. */
export interface CompletionChoice {
  readonly text: string;
  readonly logprobs: readonly Logprob[];
  readonly finishReason: FinishReason;
  /** The stop text that ended it. */
  readonly stopReason?: string | number | undefined;
}

interface Draft {
  text: string;
  logprobs: Logprob[];
  end: Pick<CompletionChoice, 'finishReason' | 'stopReason'> | undefined;
}

/** Collects the events of an answer, choice by choice. */
export class CollectedChoices {
  readonly #drafts: Draft[];

  constructor(choices: number) {
    this.#drafts = Array.from({ length: choices }, () => ({ text: '', logprobs: [], end: undefined }));
  }

  add(event: GenerationEvent): void {
    if (event.type === 'text-delta') {
      const draft = this.#draft(event.index);
      draft.text += event.text;
      for (const logprob of event.logprobs ?? []) draft.logprobs.push(logprob);
    }
    if (event.type === 'choice-end') {
      const { finishReason, stopReason } = event;
      this.#draft(event.index).end = { finishReason, stopReason };
    }
  }

  /** The choices, when all events were added. */
  all(): CompletionChoice[] {
    return this.#drafts.map(({ text, logprobs, end = { finishReason: 'content_filter' } }) => ({
      text,
      logprobs,
      ...end,
    }));
  }

  #draft(index: number): Draft {
    const draft = this.#drafts[index];
    if (draft !== undefined) return draft;
    throw new Error(`the engine answered for choice ${index}, which was not asked for`);
  }
}

/** Nothing is known of the first token of an echoed prompt: no token stands before it. */
export const isUnknown = ({ logprob, top }: Logprob): boolean => logprob === -9999 && top.length === 0;

/** The likeliest tokens of a place and the one that stands there, by their texts. */
export function likeliest({ token, logprob, top }: Logprob): Record<string, number> {
  return Object.fromEntries([...top.map((other) => [other.token, other.logprob]), [token, logprob]]);
}
