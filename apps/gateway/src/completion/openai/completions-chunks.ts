import type { GenerationEvent, TextDelta } from '@fovea/schemas/events';
import type { CompletionsChunkWire } from '@fovea/schemas/http';
import { type AnswerHead, toUsageWire } from '../../chat/answer/answer-head.js';
import { SSE_DONE, splitText, sseFrame } from '../../http/sse-frame.js';
import { sseError } from '../../tasks/openai-error-frame.js';
import type { StreamFrames } from '../../tasks/relay-stream.js';
import type { Candidates } from '../choices/candidates.js';
import { lengthOf, toLegacyLogprobs } from './legacy-logprobs.js';

type Choice = CompletionsChunkWire['choices'][number];

export interface CompletionsOptions {
  readonly head: AnswerHead;
  readonly candidates: Candidates;
  readonly includeUsage: boolean;
  /** Log probabilities were asked for. */
  readonly logprobs: boolean;
}

/** The chunks of a streamed `POST /completions`: text, a finish chunk per choice, the usage chunk if asked for. */
export class CompletionsChunks implements StreamFrames {
  readonly done = SSE_DONE;
  readonly failure = sseError;
  /** Of each choice, how long the tokens were whose log probabilities went out. */
  readonly #offsets = new Map<number, number>();

  constructor(private readonly options: CompletionsOptions) {}

  frames(event: GenerationEvent): string {
    let frames = '';
    for (const own of this.options.candidates.spread(event)) {
      for (const chunk of this.translate(own)) frames += sseFrame(chunk);
    }
    return frames;
  }

  *translate(event: GenerationEvent): Generator<CompletionsChunkWire> {
    switch (event.type) {
      case 'text-delta':
        yield* this.#text(event);
        break;
      case 'choice-end':
        yield this.#chunk({ index: event.index, finish_reason: event.finishReason });
        break;
      case 'generation-end': {
        const usage = toUsageWire(this.options.candidates.count(event.usage));
        const fingerprint = event.systemFingerprint ?? null;
        if (this.options.includeUsage) yield { ...this.#empty(), system_fingerprint: fingerprint, usage };
        break;
      }
      default:
        break;
    }
  }

  /** One chunk per piece of a text; what is known of its tokens goes out with the first. */
  *#text(event: TextDelta): Generator<CompletionsChunkWire> {
    const { index, text } = event;
    let logprobs = this.#logprobs(event);
    if (text === '' && logprobs === null) return;
    const [first = '', ...others] = splitText(text);
    for (const piece of [first, ...others]) {
      yield this.#chunk({ index, text: piece, logprobs });
      logprobs = null;
    }
  }

  #logprobs({ index, logprobs }: TextDelta): Choice['logprobs'] {
    if (!this.options.logprobs || logprobs === undefined) return null;
    const offset = this.#offsets.get(index) ?? 0;
    this.#offsets.set(index, offset + lengthOf(logprobs));
    return toLegacyLogprobs(logprobs, offset);
  }

  #chunk(choice: Pick<Choice, 'index'> & Partial<Choice>): CompletionsChunkWire {
    const { index, text = '', logprobs = null, finish_reason = null } = choice;
    return { ...this.#empty(), choices: [{ index, text, logprobs, finish_reason }] };
  }

  #empty(): CompletionsChunkWire {
    const { id, created, model } = this.options.head;
    const object = 'text_completion';
    return { id, object, created, model, system_fingerprint: null, choices: [], usage: null };
  }
}
