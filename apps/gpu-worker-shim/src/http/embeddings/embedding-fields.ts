import { z } from 'zod';
import type { EmbeddingInput, EmbeddingRequest } from '../../models/embedding-model.js';
import { parseFields } from '../parse-fields.js';
import { MalformedRequest } from '../vllm-error.js';

/** OpenAI's bound on the inputs of one request; vLLM has none. */
const MAX_INPUTS = 2048;

const flag = z.boolean('must be true or false');
const integer = (min: number) =>
  z.number('must be an integer').int('must be an integer').min(min, `must be at least ${min}`);

/**
 * The fields of an embedding request, as vLLM names them; unknown ones are ignored, as vLLM does. `input` is checked
 * apart: a schema over a million token ids would hold up the event loop.
 */
const fieldsSchema = z.looseObject({
  model: z.string('must be a string').nullish(),
  request_id: z.string('must be a string').nullish(),
  input: z.unknown().optional(),
  messages: z.unknown().optional(),
  encoding_format: z.enum(['float', 'base64'], 'must be float or base64').nullish(),
  embed_dtype: z.literal('float32', 'must be float32').nullish(),
  endianness: z.enum(['native', 'little', 'big'], 'must be native, little or big').nullish(),
  dimensions: integer(1).nullish(),
  truncate_prompt_tokens: integer(-1).nullish(),
  truncation_side: z.enum(['left', 'right'], 'must be left or right').nullish(),
  add_special_tokens: flag.nullish(),
  use_activation: z.literal(true, 'must be true').nullish(),
});
export type EmbeddingFields = z.infer<typeof fieldsSchema> & { readonly inputs: readonly EmbeddingInput[] };

const isTokenId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;

function tokensAt(value: readonly unknown[], path: string): readonly number[] {
  if (value.length === 0) throw new MalformedRequest(`${path}: must not be empty`, path);
  if (value.every(isTokenId)) return value;
  const wrong = `${path}[${value.findIndex((id) => !isTokenId(id))}]`;
  throw new MalformedRequest(`${wrong}: must be a token id`, wrong);
}

/** A string, strings, token ids, or lists of token ids. Throws `MalformedRequest` with the path of what is neither. */
function parseInputs(value: unknown): EmbeddingInput[] {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) {
    throw new MalformedRequest('input: must be a string, strings, token ids, or lists of token ids', 'input');
  }
  const list: readonly unknown[] = value;
  if (list.length === 0 || typeof list[0] === 'number') return [tokensAt(list, 'input')];
  if (list.length > MAX_INPUTS) {
    throw new MalformedRequest(`input: must hold at most ${MAX_INPUTS} inputs, has ${list.length}`, 'input');
  }
  const areTexts = typeof list[0] === 'string';
  return list.map((one, at) => {
    const path = `input[${at}]`;
    if (areTexts && typeof one === 'string') return one;
    if (!areTexts && Array.isArray(one)) return tokensAt(one, path);
    throw new MalformedRequest(`${path}: must be ${areTexts ? 'a string' : 'a list of token ids'}`, path);
  });
}

/** Checks a body. Throws `MalformedRequest` with the first field that is wrong. */
export function parseEmbeddingFields(body: unknown): EmbeddingFields {
  const fields = parseFields(fieldsSchema, body, 'schema');
  if (fields.input === undefined && fields.messages != null) {
    throw new MalformedRequest('messages: this model has no chat template; send input', 'messages');
  }
  return { ...fields, inputs: parseInputs(fields.input) };
}

/** The request as a model takes it. */
export function toEmbeddingRequest(fields: EmbeddingFields, maxModelLen: number): EmbeddingRequest {
  const { truncate_prompt_tokens: given, truncation_side: side, dimensions } = fields;
  return {
    inputs: fields.inputs,
    addSpecialTokens: fields.add_special_tokens ?? true,
    ...(dimensions != null && { dimensions }),
    ...(given != null && {
      truncation: { maxTokens: given === -1 ? maxModelLen : given, ...(side != null && { side }) },
    }),
  };
}
