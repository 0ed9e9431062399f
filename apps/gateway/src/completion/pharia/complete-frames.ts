import type { FoveaError } from '@fovea/errors';
import type { GenerationEvent, TextDelta } from '@fovea/schemas/events';
import type { CompleteEventWire, OptimizedPromptWire } from '@fovea/schemas/http';
import { toPhariaBody } from '../../http/error-body.js';
import { splitText, sseFrame } from '../../http/sse-frame.js';
import type { StreamFrames } from '../../tasks/relay-stream.js';
import type { Candidates } from '../choices/candidates.js';
import { endOf, saidOf, type TokenWishes } from './said.js';

export interface CompleteOptions {
  readonly wishes: TokenWishes;
  readonly candidates: Candidates;
  readonly modelVersion: string;
  readonly optimized: OptimizedPromptWire | undefined;
  /** The prompt is all of the answer, whatever an engine counts. */
  readonly echoesOnly: boolean;
}

/** Token counts as Pharia has them: of all candidates, the prompt for each of them again. */
export function countsOf(
  { candidates, echoesOnly }: Pick<CompleteOptions, 'candidates' | 'echoesOnly'>,
  { promptTokens, completionTokens }: { readonly promptTokens: number; readonly completionTokens: number },
): { num_tokens_prompt_total: number; num_tokens_generated: number } {
  const usage = candidates.count({ promptTokens, completionTokens });
  return {
    num_tokens_prompt_total: promptTokens * candidates.generated,
    num_tokens_generated: echoesOnly ? 0 : usage.completionTokens,
  };
}

/** The streamed form of `POST /complete`. It ends with a summary, not with `[DONE]`. */
export class CompleteFrames implements StreamFrames {
  readonly done = '';

  constructor(private readonly options: CompleteOptions) {}

  frames(event: GenerationEvent): string {
    let frames = '';
    for (const own of this.options.candidates.spread(event)) {
      for (const wire of this.translate(own)) frames += sseFrame(wire);
    }
    return frames;
  }

  failure(error: FoveaError): string {
    return sseFrame(toPhariaBody(error));
  }

  *translate(event: GenerationEvent): Generator<CompleteEventWire> {
    const { modelVersion, optimized } = this.options;
    switch (event.type) {
      case 'text-delta':
        yield* this.#chunks(event);
        break;
      case 'choice-end':
        yield {
          type: 'stream_summary',
          index: event.index,
          model_version: modelVersion,
          finish_reason: endOf(event.finishReason, event.stopReason),
        };
        break;
      case 'generation-end':
        yield {
          type: 'completion_summary',
          ...(optimized === undefined ? {} : { optimized_prompt: optimized }),
          ...countsOf(this.options, event.usage),
        };
        break;
      default:
        break;
    }
  }

  /** What is known of the tokens goes out with the first piece of a long text. */
  *#chunks({ index, text, logprobs = [] }: TextDelta): Generator<CompleteEventWire> {
    if (text === '' && logprobs.length === 0) return;
    const [first = '', ...others] = splitText(text);
    yield { type: 'stream_chunk', index, ...saidOf(first, logprobs, this.options.wishes) };
    for (const piece of others) {
      yield { type: 'stream_chunk', index, ...saidOf(piece, [], this.options.wishes) };
    }
  }
}
