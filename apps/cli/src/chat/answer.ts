import { chunkSchema, completionSchema, errorBodySchema, parseAnswer } from '../api/answers.js';
import { errorSentence } from '../api/error-sentence.js';
import type { Gateway } from '../api/gateway.js';
import { sseData } from '../api/sse-data.js';
import { exitCodes, Failure } from '../failure.js';

export const CHAT_PATH = '/v1/chat/completions';

/** A piece of the answer, or why it ended. */
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end'; readonly finishReason: string };

/** Asks and yields the text as it comes. Throws `interrupted` when it does not come to its end. */
export async function* streamedAnswer(gateway: Gateway, body: object): AsyncGenerator<AnswerPart> {
  const text = JSON.stringify({ ...body, stream: true });
  for await (const data of sseData(gateway.stream(CHAT_PATH, text))) {
    if (data === '[DONE]') return;
    const chunk = parseAnswer(chunkSchema, data);
    if (chunk === undefined) throw brokenOff(data);
    for (const choice of chunk.choices) {
      if (choice.delta.content) yield { type: 'text', text: choice.delta.content };
      if (choice.finish_reason) yield { type: 'end', finishReason: choice.finish_reason };
    }
  }
  throw new Failure(exitCodes.interrupted, 'The answer broke off: the stream ended without [DONE].');
}

/** Asks and yields the whole answer at once. */
export async function* wholeAnswer(gateway: Gateway, body: object): AsyncGenerator<AnswerPart> {
  const answer = await gateway.json(completionSchema, 'POST', CHAT_PATH, JSON.stringify(body));
  for (const choice of answer.choices) {
    yield { type: 'text', text: choice.message.content ?? '' };
    if (choice.finish_reason) yield { type: 'end', finishReason: choice.finish_reason };
  }
}

function brokenOff(data: string): Failure {
  const error = parseAnswer(errorBodySchema, data);
  const sentence = error === undefined ? 'an event that is no answer arrived.' : errorSentence(error);
  return new Failure(exitCodes.interrupted, `The answer broke off: ${sentence}`);
}
