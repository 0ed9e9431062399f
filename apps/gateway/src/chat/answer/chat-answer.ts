import type {
  FinishReason,
  GenerationEnd,
  GenerationEvent,
  Logprob,
  ReasoningDelta,
  TextDelta,
  ToolCallDelta,
} from '@fovea/schemas/events';
import type { ChatAnswerWire } from '@fovea/schemas/http';
import { type AnswerHead, toLogprobsWire, toUsageWire } from './answer-head.js';

interface Call {
  id: string;
  name: string;
  arguments: string;
}

interface Choice {
  text: string;
  reasoning: string;
  calls: Call[];
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
      calls: [],
      logprobs: [],
      finishReason: undefined,
    }));
  }

  add(event: GenerationEvent): void {
    switch (event.type) {
      case 'text-delta':
        this.#delta(event).text += event.text;
        break;
      case 'reasoning-delta':
        this.#delta(event).reasoning += event.text;
        break;
      case 'tool-call-delta':
        addCall(this.#delta(event).calls, event);
        break;
      case 'choice-end':
        this.#choice(event.index).finishReason = event.finishReason;
        break;
      default:
        break;
    }
  }

  /** The answer, when all events were added. */
  toWire({ usage, systemFingerprint }: GenerationEnd): ChatAnswerWire {
    return {
      id: this.head.id,
      object: 'chat.completion',
      created: this.head.created,
      model: this.head.model,
      system_fingerprint: systemFingerprint ?? null,
      choices: this.#choices.map((choice, index) => this.#choiceWire(choice, index)),
      usage: toUsageWire(usage),
    };
  }

  #delta({ index, logprobs }: TextDelta | ReasoningDelta | ToolCallDelta): Choice {
    const choice = this.#choice(index);
    for (const logprob of logprobs ?? []) choice.logprobs.push(logprob);
    return choice;
  }

  #choice(index: number): Choice {
    const choice = this.#choices[index];
    if (choice === undefined)
      throw new Error(`the engine answered for choice ${index}, which was not asked for`);
    return choice;
  }

  #choiceWire(choice: Choice, index: number): ChatAnswerWire['choices'][number] {
    const reasoning = choice.reasoning === '' ? {} : { reasoning_content: choice.reasoning };
    return {
      index,
      finish_reason: choice.finishReason ?? 'content_filter',
      message: {
        role: 'assistant',
        content: choice.text,
        ...reasoning,
        tool_calls: choice.calls.map(toCallWire),
      },
      logprobs: this.logprobs ? toLogprobsWire(choice.logprobs) : null,
    };
  }
}

/** The pieces of one call are joined; an engine begins a call before it begins the next. */
function addCall(calls: Call[], delta: ToolCallDelta): void {
  const call = calls[delta.call] ?? { id: '', name: '', arguments: '' };
  calls[delta.call] = call;
  call.id = delta.id ?? call.id;
  call.name = delta.name ?? call.name;
  call.arguments += delta.arguments;
}

function toCallWire({
  id,
  ...called
}: Call): ChatAnswerWire['choices'][number]['message']['tool_calls'][number] {
  return { id, type: 'function', function: called };
}
