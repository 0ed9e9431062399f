import type { FinishReason, GenerationEvent, Logprob } from '@fovea/schemas/events';
import type { ChatAnswerWire } from '@fovea/schemas/http';
import { type AnswerHead, toLogprobsWire, toUsageWire } from './answer-head.js';

interface Choice {
  text: string;
  reasoning: string;
  logprobs: Logprob[];
  finishReason: FinishReason | undefined;
}

/** Collects the events of one request into one JSON answer. */
export class ChatAnswer {
  readonly #choices: Choice[];

  constructor(
    private readonly head: AnswerHead,
    choices: number,
    private readonly logprobs: boolean,
  ) {
    this.#choices = Array.from({ length: choices }, () => ({
      text: '',
      reasoning: '',
      logprobs: [],
      finishReason: undefined,
    }));
  }

  /** Returns the answer with the event that ends it. Errors are the caller's. */
  add(event: GenerationEvent): ChatAnswerWire | undefined {
    switch (event.type) {
      case 'text-delta': {
        const choice = this.#choice(event.index);
        choice.text += event.text;
        choice.logprobs.push(...(event.logprobs ?? []));
        return undefined;
      }
      case 'reasoning-delta':
        this.#choice(event.index).reasoning += event.text;
        return undefined;
      case 'choice-end':
        this.#choice(event.index).finishReason = event.finishReason;
        return undefined;
      case 'generation-end':
        return {
          id: this.head.id,
          object: 'chat.completion',
          created: this.head.created,
          model: this.head.model,
          system_fingerprint: event.systemFingerprint ?? null,
          choices: this.#choices.map((choice, index) => this.#toWire(choice, index)),
          usage: toUsageWire(event.usage),
        };
      default:
        return undefined;
    }
  }

  #choice(index: number): Choice {
    const choice = this.#choices[index];
    if (choice === undefined)
      throw new Error(`the engine answered for choice ${index}, which was not asked for`);
    return choice;
  }

  #toWire(choice: Choice, index: number): ChatAnswerWire['choices'][number] {
    const reasoning = choice.reasoning === '' ? {} : { reasoning_content: choice.reasoning };
    return {
      index,
      finish_reason: choice.finishReason ?? 'content_filter',
      message: { role: 'assistant', content: choice.text, ...reasoning, tool_calls: [] },
      logprobs: this.logprobs ? toLogprobsWire(choice.logprobs) : null,
    };
  }
}
