import type { GenerationEvent } from '@fovea/schemas/events';
import type { ChatGeneration, EngineMessage } from '../../index.js';
import { AnswerReader } from '../answer/answer-reader.js';
import { type AnswerOptions, askAnswer } from '../answer/ask-answer.js';
import { type ErrorContext, ImageCacheMissError } from '../errors/engine-error.js';
import { Deadline } from '../transport/deadline.js';
import type { EngineConnection } from '../transport/engine-connection.js';
import { createChatBody } from './chat-body.js';
import { toWireParameters } from './wire-parameters.js';

function contextOf(messages: readonly EngineMessage[]): ErrorContext {
  const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  return { imagePaths: parts.flatMap((part) => (part.type === 'image' ? [part.image.path] : [])) };
}

/** The same request, its images without the engine's keys for them; undefined when they have none. */
function withoutImageKeys(request: ChatGeneration): ChatGeneration | undefined {
  let hasKeys = false;
  const messages = request.messages.map((message): EngineMessage => {
    if (typeof message.content === 'string') return message;
    const content = message.content.map((part) => {
      if (part.type !== 'image' || part.image.uuid === undefined) return part;
      hasKeys = true;
      const { mediaType, byteSize, path, fileUrl } = part.image;
      const image = { mediaType, byteSize, path, chunks: () => part.image.chunks() };
      return { ...part, image: fileUrl === undefined ? image : { ...image, fileUrl } };
    });
    return { ...message, content };
  });
  return hasKeys ? { ...request, messages } : undefined;
}

/**
 * One chat on the engine, from its request to its last event. An engine whose two image caches disagree (vLLM issue
 * 31404) refuses the same image under the same key again and again; hashed by the engine itself it has another key, so
 * the request is sent once more without ours.
 */
export async function* generateChat(
  connection: EngineConnection,
  request: ChatGeneration,
  options: AnswerOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly GenerationEvent[]> {
  const deadline = new Deadline(signal, options);
  const context = contextOf(request.messages);
  const newReader = (): AnswerReader => new AnswerReader(request.sampling.n ?? 1, context);
  const ask = (asked: ChatGeneration, reader: AnswerReader): AsyncGenerator<readonly GenerationEvent[]> => {
    const body = createChatBody(asked.messages, toWireParameters(asked, options));
    const question = { path: '/v1/chat/completions', request: asked, body, context };
    return askAnswer(connection, question, deadline, reader);
  };
  try {
    deadline.signal.throwIfAborted();
    const reader = newReader();
    try {
      yield* ask(request, reader);
    } catch (error) {
      const lostImage = error instanceof Error && error.cause instanceof ImageCacheMissError;
      const again = lostImage && !reader.hasOutput ? withoutImageKeys(request) : undefined;
      if (again === undefined) throw error;
      yield* ask(again, newReader());
    }
  } finally {
    deadline.dispose();
  }
}
