import { z } from 'zod';
import { promptWireSchema } from './prompt.js';

/**
 * `POST /complete` as clients send it: the fields of the PhariaInference API 4.7, which `aleph-alpha-client` sends
 * even at their defaults. Fields whose description says "default only" are refused with `MISSING_CAPABILITY` at any other
 * value. `null` counts as absent; the door removes nulls before it parses.
 */
const only = (value: string): { description: string } => ({ description: `Default only: ${value}.` });

const penalty = z.number().min(-2).max(2).optional();
const flag = z.boolean().optional();
const texts = z.array(z.string()).max(1_000).optional();

/** Most stop sequences of one request. */
export const MAX_STOP_SEQUENCES = 16;
/** Most candidates of which the best are returned. */
export const MAX_BEST_OF = 100;

export const completeRequestSchema = z
  .object({
    model: z.string().min(1).max(256).meta({ description: 'A name of `GET /models`.' }),
    prompt: promptWireSchema.meta({ description: 'What to go on from.' }),
    maximum_tokens: z.number().int().min(0).optional().meta({
      description: 'Most tokens to generate. Default: as many as the context leaves. 0 needs `echo`.',
    }),
    minimum_tokens: z
      .number()
      .int()
      .min(0)
      .optional()
      .meta({ default: 0, description: 'No end of text before.' }),
    temperature: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ default: 0, description: '0 is the likeliest token.' }),
    top_k: z
      .number()
      .int()
      .min(0)
      .optional()
      .meta({ default: 0, description: 'Only the k likeliest tokens. 0 is read as off.' }),
    top_p: z.number().min(0).max(1).optional().meta({
      default: 0,
      description: 'Only the likeliest tokens that together have this probability. 0 is read as off.',
    }),
    presence_penalty: penalty.meta({
      default: 0,
      description: 'Taken from the logit of a token that is there already.',
    }),
    frequency_penalty: penalty.meta({
      default: 0,
      description: 'Taken from the logit of a token for each time it is there already.',
    }),
    sequence_penalty: z.number().optional().meta(only('0')),
    sequence_penalty_min_length: z.number().int().min(2).optional().meta(only('2')),
    repetition_penalties_include_prompt: flag.meta(only('false')),
    repetition_penalties_include_completion: flag.meta(only('true')),
    use_multiplicative_presence_penalty: flag.meta(only('false')),
    use_multiplicative_frequency_penalty: flag.meta(only('false')),
    use_multiplicative_sequence_penalty: flag.meta(only('false')),
    penalty_bias: z.string().optional().meta(only('empty')),
    penalty_exceptions: texts.meta(only('empty')),
    penalty_exceptions_include_stop_sequences: flag.meta({
      description: 'Accepted, without effect: there are no exceptions.',
    }),
    best_of: z.number().int().min(1).max(MAX_BEST_OF).optional().meta({
      default: 1,
      description: 'Candidates of which the `n` with the highest log probability per token are returned.',
    }),
    n: z.number().int().min(1).max(16).optional().meta({ default: 1, description: 'Completions to return.' }),
    logit_bias: z
      .record(z.string().regex(/^\d+$/), z.number().min(-100).max(100))
      .optional()
      .meta({ description: 'Token id → what is added to its logit, -100 … 100.' }),
    log_probs: z.number().int().min(0).max(20).optional().meta({
      description: '0: of the sampled tokens only; k: of the k likeliest, too.',
    }),
    stop_sequences: z
      .array(z.string().min(1))
      .max(MAX_STOP_SEQUENCES)
      .optional()
      .meta({ description: 'The completion ends before any of these texts.' }),
    tokens: flag.meta({ default: false, description: 'Return `completion_tokens`.' }),
    raw_completion: flag.meta({
      default: false,
      description: 'Return `raw_completion`, the text as the model wrote it.',
    }),
    disable_optimizations: flag.meta({
      default: false,
      description: 'Take the prompt as it is, blanks and all.',
    }),
    echo: flag.meta({ default: false, description: 'The completion begins with the prompt.' }),
    completion_bias_inclusion: texts.meta(only('empty')),
    completion_bias_exclusion: texts.meta(only('empty')),
    completion_bias_inclusion_first_token_only: flag.meta(only('false')),
    completion_bias_exclusion_first_token_only: flag.meta(only('false')),
    contextual_control_threshold: z.number().optional().meta(only('null')),
    control_log_additive: flag.meta(only('true')),
    steering_concepts: texts.meta(only('empty')),
    stream: flag.meta({
      default: false,
      description: 'Answer with server-sent events; not on `/complete/json`.',
    }),
    hosting: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    tags: z.array(z.string()).optional().meta({ description: 'Accepted, without effect.' }),
  })
  .meta({ id: 'CompleteRequest' });
export type CompleteRequestWire = z.infer<typeof completeRequestSchema>;

/** `POST /evaluate`: how likely is a continuation of a prompt. */
export const evaluateRequestSchema = z
  .object({
    model: z.string().min(1).max(256).meta({ description: 'A name of `GET /models`.' }),
    prompt: promptWireSchema.meta({ description: 'What is given.' }),
    completion_expected: z.string().min(1).meta({ description: 'The continuation that is judged.' }),
    contextual_control_threshold: z.number().optional().meta(only('null')),
    control_log_additive: flag.meta(only('true')),
    hosting: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    tags: z.array(z.string()).optional().meta({ description: 'Accepted, without effect.' }),
  })
  .meta({ id: 'EvaluateRequest' });
export type EvaluateRequestWire = z.infer<typeof evaluateRequestSchema>;
