import type { GenerationEvent, ReasoningDelta, TextDelta, ToolCallDelta, Usage } from '@fovea/schemas/events';
import type { ChatChunkWire } from '@fovea/schemas/http';
import { SSE_DONE, splitText, sseFrame } from '../../http/sse-frame.js';
import { sseError } from '../../tasks/openai-error-frame.js';
import type { StreamFrames } from '../../tasks/relay-stream.js';
import { type AnswerHead, toLogprobsWire, toUsageWire } from './answer-head.js';

type Choice = ChatChunkWire['choices'][number];
type Delta = TextDelta | ReasoningDelta | ToolCallDelta;

export interface ChunkOptions {
  readonly head: AnswerHead;
  readonly choices: number;
  readonly includeUsage: boolean;
  /** Log probabilities were asked for. */
  readonly logprobs: boolean;
}

/**
 * Translates events to the chunks of one streamed answer, in the order clients expect: a role chunk per choice,
 * content chunks, a finish chunk per choice, the usage chunk if asked for.
 *
 * The form is the strictest that any client needs: `usage: null` on each chunk but the usage chunk, `content` in each
 * delta before the finish, never text and finish reason together, no fingerprint before the finish.
 */
export class ChatChunks implements StreamFrames {
  readonly done = SSE_DONE;
  readonly failure = sseError;
  #begun = false;

  constructor(private readonly options: ChunkOptions) {}

  frames(event: GenerationEvent): string {
    let frames = '';
    for (const chunk of this.translate(event)) frames += sseFrame(chunk);
    return frames;
  }

  *translate(event: GenerationEvent): Generator<ChatChunkWire> {
    if (!this.#begun && event.type !== 'error') {
      this.#begun = true;
      for (let index = 0; index < this.options.choices; index += 1) {
        yield this.#chunk({ index, delta: { role: 'assistant', content: '' } });
      }
    }
    switch (event.type) {
      case 'text-delta':
        yield* this.#pieces(event, event.text, (content) => ({ content }));
        break;
      case 'reasoning-delta':
        yield* this.#pieces(event, event.text, (piece) => ({ content: '', reasoning_content: piece }));
        break;
      case 'tool-call-delta':
        yield* this.#call(event);
        break;
      case 'choice-end': {
        // As recorded: after calls the last delta has an empty text.
        const delta = event.finishReason === 'tool_calls' ? { content: '' } : {};
        yield this.#chunk({ index: event.index, finish_reason: event.finishReason, delta });
        break;
      }
      case 'generation-end':
        if (this.options.includeUsage) yield this.#usage(event.usage, event.systemFingerprint);
        break;
      default:
        break;
    }
  }

  /** One chunk per piece of a text; what is known of its tokens goes out with the first. */
  *#pieces(
    event: Delta,
    text: string,
    toDelta: (piece: string) => Choice['delta'],
  ): Generator<ChatChunkWire> {
    const { index } = event;
    let logprobs = this.#logprobs(event);
    if (text === '' && logprobs !== null) yield this.#chunk({ index, delta: { content: '' }, logprobs });
    for (const piece of splitText(text)) {
      yield this.#chunk({ index, delta: toDelta(piece), logprobs });
      logprobs = null;
    }
  }

  /** The first chunk of a call names it, those that follow only go on with its arguments. */
  *#call(event: ToolCallDelta): Generator<ChatChunkWire> {
    const { index, call, id, name } = event;
    let logprobs = this.#logprobs(event);
    const [first = '', ...more] = splitText(event.arguments);
    const named = id === undefined ? {} : { id, type: 'function' as const };
    const called = { ...(name === undefined ? {} : { name }), arguments: first };
    for (const part of [
      { index: call, ...named, function: called },
      ...more.map((piece) => ({ index: call, function: { arguments: piece } })),
    ]) {
      yield this.#chunk({ index, delta: { content: '', tool_calls: [part] }, logprobs });
      logprobs = null;
    }
  }

  #logprobs({ logprobs }: Delta): Choice['logprobs'] {
    return this.options.logprobs && logprobs !== undefined ? toLogprobsWire(logprobs) : null;
  }

  #usage(usage: Usage, fingerprint: string | undefined): ChatChunkWire {
    return { ...this.#empty(), system_fingerprint: fingerprint ?? null, usage: toUsageWire(usage) };
  }

  #chunk(choice: Pick<Choice, 'index' | 'delta'> & Partial<Choice>): ChatChunkWire {
    const { index, finish_reason = null, delta, logprobs = null } = choice;
    return { ...this.#empty(), choices: [{ index, finish_reason, delta, logprobs }] };
  }

  #empty(): ChatChunkWire {
    const { id, created, model } = this.options.head;
    const object = 'chat.completion.chunk';
    return { id, object, created, model, system_fingerprint: null, usage: null, choices: [] };
  }
}

/** One server-sent event: exactly `data: <json>` and an empty line; clients here choke on anything else. */
