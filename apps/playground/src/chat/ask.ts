import { call } from '../wire/call.js';
import { type Problem, ProblemError } from '../wire/problem.js';
import { SseParser } from '../wire/sse-parser.js';
import { parseChunk } from './chat-chunk.js';
import type { Question } from './conversation.js';
import type { Course } from './figures.js';
import { bodyPieces, toBlob } from './request-body.js';

/** An answer as far as it has come. */
export interface Reply {
  text: string;
  reasoning: string;
  finishReason: string | undefined;
  readonly course: Course;
}

/** An answer of which nothing has come yet. */
export const emptyReply = (sentAtMs: number): Reply => ({
  text: '',
  reasoning: '',
  finishReason: undefined,
  course: { sentAtMs },
});

export interface AskOptions {
  readonly key: string;
  readonly signal: AbortSignal;
  /** The same object each time, further along. */
  readonly onReply: (reply: Reply) => void;
  readonly onUpload: (sent: number, total: number) => void;
}

/**
 * Asks and listens. Throws `ProblemError` for a refusal, for an error within the stream and for one that ends without
 * its end; `AbortError` when stopped. What had come until then has been told to `onReply`.
 */
export async function ask(question: Question, options: AskOptions): Promise<Reply> {
  const body = await toBlob(bodyPieces(question));
  const reply = emptyReply(performance.now());
  const parser = new SseParser();
  let problem: Problem | undefined;
  let isWhole = false;
  const onText = (text: string): void => {
    for (const data of parser.push(text)) {
      const chunk = parseChunk(data);
      problem ??= chunk.problem;
      isWhole ||= chunk.isLast === true;
      take(reply, chunk);
    }
    options.onReply(reply);
  };
  const { key, signal, onUpload } = options;
  const { requestId, queueTimeMs } = await call({
    method: 'POST',
    path: '/v1/chat/completions',
    key,
    body,
    signal,
    onText,
    onUpload,
  }).catch((error: unknown) => {
    // After an error within the stream the connection is cut; the reason is the error, not the cut.
    if (problem === undefined || !(error instanceof ProblemError)) throw error;
    throw new ProblemError({ ...problem, requestId: error.problem.requestId });
  });
  if (queueTimeMs !== undefined) reply.course.queueTimeMs = queueTimeMs;
  options.onReply(reply);
  if (problem !== undefined) throw new ProblemError({ ...problem, requestId });
  if (!isWhole) {
    throw new ProblemError({ code: 'STREAM_INTERRUPTED', message: 'The answer broke off.', requestId });
  }
  return reply;
}

function take(
  reply: Reply,
  { text = '', reasoning = '', finishReason, usage }: ReturnType<typeof parseChunk>,
): void {
  const { course } = reply;
  if (text !== '' || reasoning !== '') {
    course.lastTextAtMs = performance.now();
    course.firstTextAtMs ??= course.lastTextAtMs;
  }
  reply.text += text;
  reply.reasoning += reasoning;
  reply.finishReason ??= finishReason;
  if (usage !== undefined) Object.assign(course, usage);
}
