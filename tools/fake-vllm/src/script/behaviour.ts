import { z } from 'zod';

const position = z.number().int().nonnegative();
const status = z.number().int().min(400).max(599);

/** The shapes in which engines and the servers in front of them report an error (vLLM changed its own twice). */
export const errorFormSchema = z.enum(['nested', 'flat', 'string', 'detail', 'plain', 'empty']);
export type ErrorForm = z.infer<typeof errorFormSchema>;

/** What goes wrong, and where. Positions count tokens of the first choice that the client has been sent. */
export const faultSchema = z.discriminatedUnion('kind', [
  /** Goes silent: before the headers when `afterTokens` is left out. Only the client can end it. */
  z.object({ kind: z.literal('hang'), afterTokens: position.optional() }),
  /** Drops the connection: with a reset before the headers when `afterTokens` is left out, else with an end. */
  z.object({ kind: z.literal('crash'), afterTokens: position.optional() }),
  /** Resets the connection, in mid-stream too. */
  z.object({ kind: z.literal('reset'), afterTokens: position.optional() }),
  /** Ends the sending half of the connection and goes on reading. */
  z.object({ kind: z.literal('half-close'), afterTokens: position.optional() }),
  /** Bytes (base64) that are no HTTP, or no chunk of it, and the end of the connection. */
  z.object({ kind: z.literal('garbage'), afterTokens: position.optional(), bytes: z.string().optional() }),
  /** Answers an HTTP error instead of running the request. */
  z.object({
    kind: z.literal('status'),
    status,
    message: z.string(),
    type: z.string().optional(),
    param: z.string().optional(),
    form: errorFormSchema.optional(),
    retryAfter: z.string().optional(),
  }),
  /** Answers before the body was read and closes. Entries with it match by route alone, not by text. */
  z.object({
    kind: z.literal('early-status'),
    status,
    message: z.string(),
    form: errorFormSchema.optional(),
  }),
  /** 200, then the error as the first event: what vLLM does for checks made inside the engine. */
  z.object({
    kind: z.literal('leading-error'),
    status,
    message: z.string(),
    param: z.string().optional(),
    form: errorFormSchema.optional(),
  }),
  /** The error event vLLM sends when a generation fails half way. */
  z.object({ kind: z.literal('late-error'), afterTokens: position, message: z.string().optional() }),
  /** vLLM issue 40978: nothing but `[DONE]`. */
  z.object({ kind: z.literal('only-done') }),
  z.object({ kind: z.literal('missing-done') }),
  z.object({ kind: z.literal('missing-finish') }),
  /** A 200 whose body is exactly these pieces. */
  z.object({ kind: z.literal('raw'), pieces: z.array(z.string()), contentType: z.string().optional() }),
]);
export type Fault = z.infer<typeof faultSchema>;

/** How one request is answered. An empty behaviour answers as a healthy engine would. */
export const behaviourSchema = z.object({
  /** Answer with this instead of the deterministic text. */
  text: z.string().optional(),
  /** Answer with exactly these tokens. Wins over `text`. */
  tokens: z.array(z.string()).optional(),
  /** Thinking that goes before the answer. */
  reasoning: z.string().optional(),
  /** The dialect's by default. */
  reasoningField: z.enum(['reasoning', 'reasoning_content']).optional(),
  /** Calls the model makes when the request offers it tools; arguments that are no string are written as JSON. */
  toolCalls: z
    .array(
      z.object({
        name: z.string(),
        arguments: z.union([z.string(), z.record(z.string(), z.unknown())]),
        id: z.string().optional(),
      }),
    )
    .optional(),
  toolCallIds: z.enum(['vllm', 'kimi', 'mistral']).optional(),
  finishReason: z.string().optional(),
  /** Put the last text and the finish reason in one chunk. vLLM does both; default: only for `length`. */
  finishWithText: z.boolean().optional(),
  tokensPerDelta: z.number().int().positive().optional(),
  /** Sends a delta without text when this many tokens have been produced. */
  emptyDeltaAfter: position.optional(),
  /** Reading its images: the gate holds the one preprocessing thread. */
  preprocessing: z
    .object({ gate: z.string().optional(), msPerImage: z.number().nonnegative().optional() })
    .optional(),
  ttftMs: z.number().nonnegative().optional(),
  interTokenMs: z.number().nonnegative().optional(),
  /** Stop after so many tokens until the gate of that name is released. */
  hold: z.object({ afterTokens: position, gate: z.string() }).optional(),
  fault: faultSchema.optional(),
});
export type Behaviour = z.infer<typeof behaviourSchema>;
