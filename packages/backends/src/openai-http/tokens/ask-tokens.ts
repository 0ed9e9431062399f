import { FoveaError } from '@fovea/errors';
import { z } from 'zod';
import type { EngineTokens, TokensRequest } from '../../index.js';
import { toFoveaError } from '../errors/engine-error.js';
import { readErrorBody } from '../errors/engine-report.js';
import { askPooling } from '../pooling/ask-pooling.js';
import { Deadline } from '../transport/deadline.js';
import { type EngineConnection, readText, toBackendError } from '../transport/engine-connection.js';

/** The largest that are in use have 35 MB. */
const maxTokenizerBytes = 64 * 1024 * 1024;

const tokenizedSchema = z.object({
  tokens: z.array(z.number().int().nonnegative()),
  token_strs: z.array(z.string()).nullish(),
});
const textSchema = z.object({ prompt: z.string() });

/** Routes that an engine may lack; what it has on them is no model it does not know. */
const unknownRoute = new Set([404, 405, 501]);

/** vLLM's `/tokenize` and `/detokenize`, which stand beside `/v1`; the tokenizer's file is a route of our own engine. */
export const createEngineTokens = (
  connection: EngineConnection,
  totalMs: number | undefined,
): EngineTokens => ({
  async tokenize({ requestId, model, text }, signal) {
    const body = { model, prompt: text, add_special_tokens: false, return_token_strs: true };
    const question = { path: '/tokenize', requestId, body, promptField: 'prompt' };
    const answer = await askPooling(connection, question, new Deadline(signal, { totalMs }));
    const { tokens: tokenIds, token_strs: tokens } = read(tokenizedSchema, answer);
    if (tokens == null) return { tokenIds };
    if (tokens.length === tokenIds.length) return { tokenIds, tokens };
    throw broken(`${tokens.length} tokens for ${tokenIds.length} ids`);
  },

  async detokenize({ requestId, model, tokenIds }, signal) {
    const body = { model, tokens: tokenIds };
    const question = { path: '/detokenize', requestId, body, promptField: 'token_ids' };
    const answer = await askPooling(connection, question, new Deadline(signal, { totalMs }));
    return read(textSchema, answer).prompt;
  },

  tokenizerFile: (request, signal) =>
    askTokenizerFile(connection, request, new Deadline(signal, { totalMs })),
});

async function askTokenizerFile(
  connection: EngineConnection,
  { model }: TokensRequest,
  deadline: Deadline,
): Promise<Buffer> {
  const { signal } = deadline;
  try {
    signal.throwIfAborted();
    const path = `/v1/models/${encodeURIComponent(model)}/tokenizer`;
    const response = await connection.get(path, signal);
    const text = await readText(response, maxTokenizerBytes);
    if (unknownRoute.has(response.statusCode)) {
      throw new FoveaError('MISSING_CAPABILITY', {
        message: 'The engine of this model does not show its tokenizer.',
        param: 'model',
      });
    }
    if (response.statusCode !== 200) {
      throw toFoveaError(readErrorBody(response.statusCode, text), { imagePaths: [] });
    }
    // Parsing tens of megabytes would hold up every stream of the process.
    if (!/^\s*\{/.test(text)) throw broken('a tokenizer that is no JSON object');
    return Buffer.from(text);
  } catch (error) {
    throw signal.aborted ? signal.reason : toBackendError(error);
  } finally {
    deadline.dispose();
  }
}

function read<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw broken(`not an answer about tokens: ${z.prettifyError(parsed.error)}`);
}

const broken = (detail: string): FoveaError => new FoveaError('BACKEND_ERROR', { detail });
