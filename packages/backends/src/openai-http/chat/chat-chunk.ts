import type { Logprob } from '@fovea/schemas/events';
import { z } from 'zod';

/** What a missing logprob is written as on PhariaInference's wire. */
const noLogprob = -9999;

const position = z.number().int().nonnegative();

const tokenSchema = z.object({
  token: z.string(),
  logprob: z.number().nullish(),
  bytes: z.array(z.number().int().min(0).max(255)).nullish(),
});
const logprobEntrySchema = tokenSchema.extend({ top_logprobs: z.array(tokenSchema).nullish() });

const functionSchema = z.object({
  name: z.string().nullish(),
  /** JSON text; servers in front of an engine have been seen to parse it. */
  arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
});

export const toolCallChunkSchema = z.object({
  index: position.nullish(),
  id: z.string().nullish(),
  function: functionSchema.nullish(),
});
export type ToolCallChunk = z.infer<typeof toolCallChunkSchema>;

const messageSchema = z.object({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  /** vLLM's name since 0.12. */
  reasoning: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(toolCallChunkSchema).nullish(),
  /** OpenAI's form before there were tools. */
  function_call: functionSchema.nullish(),
});

const choiceSchema = z.object({
  index: position.nullish(),
  delta: messageSchema.nullish(),
  /** In place of `delta` when the answer is not streamed. */
  message: messageSchema.nullish(),
  finish_reason: z.string().nullish(),
  stop_reason: z.union([z.string(), z.number()]).nullish(),
  logprobs: z.object({ content: z.array(logprobEntrySchema).nullish() }).nullish(),
  token_ids: z.array(z.number().int()).nullish(),
});

/**
 * One chunk of a streamed answer, or a whole one, read tolerantly: only what is used is looked at, and every engine
 * version leaves out or nulls other fields.
 */
export const chatChunkSchema = z.object({
  choices: z.array(choiceSchema).nullish(),
  usage: z.object({ prompt_tokens: position.nullish(), completion_tokens: position.nullish() }).nullish(),
  system_fingerprint: z.string().nullish(),
});
export type ChatChunk = z.infer<typeof chatChunkSchema>;
export type ChunkChoice = z.infer<typeof choiceSchema>;

/** What a choice says, whichever way; all empty in a chunk that only opens or ends it. */
export interface ChoiceContent {
  readonly reasoning: string;
  readonly text: string;
  readonly toolCalls: readonly ToolCallChunk[];
}

/** A refusal is what the model answers, so it is text. */
export function contentOf(choice: ChunkChoice): ChoiceContent {
  const message = choice.delta ?? choice.message;
  const legacy = message?.function_call;
  return {
    // Both names may be there, one of them empty.
    reasoning: message?.reasoning || message?.reasoning_content || '',
    text: message?.content || message?.refusal || '',
    toolCalls: message?.tool_calls?.length
      ? message.tool_calls
      : legacy
        ? [{ index: 0, function: legacy }]
        : [],
  };
}

function toToken(token: z.infer<typeof tokenSchema>): Omit<Logprob, 'top'> {
  const bytes = token.bytes ?? [...Buffer.from(token.token)];
  return { token: token.token, logprob: token.logprob ?? noLogprob, bytes };
}

/** The logprobs of a chunk as our events carry them; undefined when the chunk has none. */
export function logprobsOf(choice: ChunkChoice): Logprob[] | undefined {
  const content = choice.logprobs?.content;
  if (content == null || content.length === 0) return undefined;
  return content.map((entry) => ({ ...toToken(entry), top: (entry.top_logprobs ?? []).map(toToken) }));
}
