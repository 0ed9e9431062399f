import { z } from 'zod';
import type { CompletionGeneration } from '../../index.js';
import { type ErrorContext, toFoveaError } from '../errors/engine-error.js';
import { parseJson, readErrorBody } from '../errors/engine-report.js';
import type { Deadline } from '../transport/deadline.js';
import { type EngineConnection, headerOf, readText } from '../transport/engine-connection.js';
import { createJsonBody } from '../transport/json-body.js';
import { plainPrompt } from './completion-body.js';

/** The answer repeats the ids of the prompt. */
const maxAnswerBytes = 64 * 1024 * 1024;
const countSchema = z.object({ count: z.number().int().nonnegative() });
/** The engine has no such route. */
const noRoute = new Set([404, 405, 501]);

/**
 * Most tokens of an answer that may take all that its prompt leaves of the context. vLLM's route generates 16 unless told
 * otherwise, and refuses a number that does not fit, so the prompt has to be counted. An engine that does not count, or a
 * prompt of several kinds, which only our own engine takes: the whole context, of which it takes what is left.
 */
export async function answerRoom(
  connection: EngineConnection,
  request: CompletionGeneration,
  context: ErrorContext,
  deadline: Deadline,
): Promise<number> {
  const { contextTokens, maximumTokens = contextTokens } = request;
  const promptTokens = (await countPrompt(connection, request, context, deadline)) ?? 0;
  return Math.max(1, Math.min(maximumTokens, contextTokens - promptTokens));
}

async function countPrompt(
  connection: EngineConnection,
  { prompts: [prompt = []], requestId, model }: CompletionGeneration,
  context: ErrorContext,
  deadline: Deadline,
): Promise<number | undefined> {
  const plain = plainPrompt(prompt);
  if (typeof plain !== 'string') return plain?.length;
  const body = createJsonBody({ model, prompt: plain, add_special_tokens: true });
  const headers = { 'x-request-id': requestId };
  const response = await connection.post('/tokenize', body, headers, deadline.signal);
  const text = await readText(response, maxAnswerBytes);
  if (response.statusCode !== 200) {
    const report = readErrorBody(response.statusCode, text);
    const error = toFoveaError(report, { ...context, retryAfter: headerOf(response, 'retry-after') });
    if (noRoute.has(response.statusCode) && error.code !== 'UNKNOWN_MODEL') return undefined;
    throw error;
  }
  const answer = countSchema.safeParse(parseJson(text));
  return answer.success ? answer.data.count : undefined;
}
