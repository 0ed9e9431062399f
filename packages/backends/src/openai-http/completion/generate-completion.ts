import type { GenerationEvent } from '@fovea/schemas/events';
import type { CompletionGeneration } from '../../index.js';
import { AnswerReader } from '../answer/answer-reader.js';
import { type AnswerOptions, askAnswer } from '../answer/ask-answer.js';
import { type Wire, wireParameters } from '../answer/wire-sampling.js';
import type { ErrorContext } from '../errors/engine-error.js';
import { Deadline } from '../transport/deadline.js';
import { type EngineConnection, toBackendError } from '../transport/engine-connection.js';
import { answerRoom } from './answer-room.js';
import { createCompletionBody } from './completion-body.js';
import { completionChunkSchema } from './completion-chunk.js';

const contextOf = ({ prompts }: CompletionGeneration): ErrorContext => ({
  imagePaths: prompts.flat().flatMap((item) => (item.type === 'image' ? [item.image.path] : [])),
  promptField: 'prompt',
});

/** vLLM leaves the text of the prompt out of an echo when it is to tell its ids. */
function parametersOf(request: CompletionGeneration, options: AnswerOptions, maxTokens: number): Wire {
  const { logprobs, topLogprobs = 0 } = request.sampling;
  const echo = request.echo === true;
  return wireParameters(
    request,
    { ...options, returnTokenIds: options.returnTokenIds && !echo },
    {
      max_tokens: maxTokens,
      ...(echo ? { echo } : {}),
      ...(logprobs === true ? { logprobs: topLogprobs } : {}),
    },
  );
}

/** The answers to raw prompts, from the request to the last event. */
export async function* generateCompletion(
  connection: EngineConnection,
  request: CompletionGeneration,
  options: AnswerOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly GenerationEvent[]> {
  const deadline = new Deadline(signal, options);
  const context = contextOf(request);
  const choices = request.prompts.length * (request.sampling.n ?? 1);
  const reader = new AnswerReader(choices, context, completionChunkSchema);
  try {
    deadline.signal.throwIfAborted();
    const maxTokens = request.sampling.maxTokens ?? (await roomOf(connection, request, context, deadline));
    const body = createCompletionBody(request.prompts, parametersOf(request, options, maxTokens));
    yield* askAnswer(connection, { path: '/v1/completions', request, body, context }, deadline, reader);
  } finally {
    deadline.dispose();
  }
}

async function roomOf(...asked: Parameters<typeof answerRoom>): Promise<number> {
  const [, , , deadline] = asked;
  try {
    return await answerRoom(...asked);
  } catch (error) {
    throw deadline.signal.aborted ? deadline.signal.reason : toBackendError(error);
  }
}
