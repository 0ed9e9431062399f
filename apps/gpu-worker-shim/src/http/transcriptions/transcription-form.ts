import { z } from 'zod';
import type { TranscriptionRequest, TranscriptionSampling } from '../../models/transcription-model.js';
import { parseFields } from '../parse-fields.js';
import { MalformedRequest } from '../vllm-error.js';
import { splitForm } from './multipart.js';

/** vLLM has 25 (`VLLM_MAX_AUDIO_CLIP_FILESIZE_MB`); recordings of hours are larger. */
const MAX_FILE_MIB = 128;
const MIB = 1024 * 1024;
/** The whole form. Its other fields are small. */
export const MAX_FORM_BYTES = (MAX_FILE_MIB + 7) * MIB;

const words: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
/** A number as text; bounds are vLLM's, of its sampling parameters. */
const numberField = (isIn: (value: number) => boolean, expected: string) =>
  z
    .string()
    .refine((text) => text.trim() !== '' && isIn(Number(text)), `must be ${expected}`)
    .transform(Number)
    .optional();
const GRANULARITIES = 'timestamp_granularities[]';
const MAX_SEED = Number.MAX_SAFE_INTEGER;
const penalty = numberField((value) => value >= -2 && value <= 2, 'a number from -2 to 2');
const flag = z
  .string()
  .refine((text) => text.toLowerCase() in words, 'must be true or false')
  .transform((text) => words[text.toLowerCase()] === true);

/**
 * The fields of the form, as vLLM names them; unknown ones are ignored, as vLLM does. `srt` and `vtt` are OpenAI's, and
 * refused by vLLM, too.
 */
const formSchema = z.looseObject({
  model: z.string().optional(),
  language: z.string().optional(),
  prompt: z.string().default(''),
  response_format: z
    .enum(
      ['json', 'text', 'verbose_json'],
      'Currently only support response_format: `text`, `json` or `verbose_json`',
    )
    .default('json'),
  [GRANULARITIES]: z
    .enum(['segment'], 'only segment is supported: this model tells no times of words')
    .optional(),
  temperature: numberField((value) => value >= 0 && value <= 2, 'a number from 0 to 2'),
  top_p: numberField((value) => value > 0 && value <= 1, 'a number above 0, at most 1'),
  top_k: numberField((value) => Number.isInteger(value) && value >= -1, 'an integer of at least -1'),
  min_p: numberField((value) => value >= 0 && value <= 1, 'a number from 0 to 1'),
  seed: numberField((value) => Number.isInteger(value) && Math.abs(value) <= MAX_SEED, 'an integer'),
  frequency_penalty: penalty,
  presence_penalty: penalty,
  repetition_penalty: numberField((value) => value > 0 && value <= 2, 'a number above 0, at most 2'),
  use_beam_search: flag.refine((isOn) => !isOn, 'must be false').optional(),
  max_completion_tokens: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be an integer of at least 1')
    .transform(Number)
    .optional(),
  stream: flag.default(false),
  stream_include_usage: flag.default(false),
  stream_continuous_usage_stats: flag.default(false),
});
export type TranscriptionFields = z.infer<typeof formSchema>;

export interface TranscriptionForm {
  readonly fields: TranscriptionFields;
  readonly audio: Uint8Array<ArrayBuffer>;
}

/** `file` is a text field: vLLM answers 422 for that. */
export class FileExpected extends Error {
  override readonly name = 'FileExpected';
}

/** The file's bytes, in memory that can be handed over. */
function ownBytes(value: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = value;
  // The body's memory goes along where it is nobody else's; a small body lies in memory that Node shares out.
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize;
  return isOwn ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(value);
}

/**
 * Reads a form. Throws `MalformedRequest` with the first field that is wrong, and `FileExpected`.
 *
 * @param contentType with the form's boundary
 */
export function parseTranscriptionForm(body: Buffer, contentType: string): TranscriptionForm {
  const parts = splitForm(body, contentType);
  if (parts === undefined) throw new MalformedRequest('The body is not valid multipart/form-data.');
  const file = parts.findLast(({ name }) => name === 'file');
  if (file === undefined) throw new MalformedRequest('file: is required', 'file');
  if (!file.isFile) throw new FileExpected("Expected 'file' to be a file-like object, not 'str'.");
  if (file.value.length > MAX_FILE_MIB * MIB) {
    throw new MalformedRequest(`Maximum file size exceeded (${MAX_FILE_MIB} MiB)`, 'file');
  }
  const texts = parts
    .filter(({ isFile, value }) => !isFile && value.length > 0)
    .map(({ name, value }) => [name, value.toString('utf8')] as const);
  // It may be given several times; one that is refused is refused wherever it stands.
  const given = texts.flatMap(([name, value]) => (name === GRANULARITIES ? [value] : []));
  const granularity = given.find((value) => value !== 'segment') ?? given[0];
  const values = { ...Object.fromEntries(texts), ...(granularity && { [GRANULARITIES]: granularity }) };
  const fields = parseFields(formSchema, values, 'schema');
  if (fields.response_format === 'verbose_json' && fields.stream) {
    throw new MalformedRequest("verbose_json format doesn't support streaming case", 'response_format');
  }
  if (!fields.stream && (fields.stream_include_usage || fields.stream_continuous_usage_stats)) {
    throw new MalformedRequest(
      'Stream options can only be defined when `stream=True`.',
      'stream_include_usage',
    );
  }
  return { fields, audio: ownBytes(file.value) };
}

function toSampling(fields: TranscriptionFields): TranscriptionSampling {
  const { temperature = 0, top_p, top_k, min_p, seed } = fields;
  const { frequency_penalty, presence_penalty, repetition_penalty } = fields;
  return {
    temperature,
    ...(top_p !== undefined && { topP: top_p }),
    ...(top_k !== undefined && { topK: Math.max(0, top_k) }),
    ...(min_p !== undefined && { minP: min_p }),
    ...(seed !== undefined && { seed }),
    ...(frequency_penalty !== undefined && { frequencyPenalty: frequency_penalty }),
    ...(presence_penalty !== undefined && { presencePenalty: presence_penalty }),
    ...(repetition_penalty !== undefined && { repetitionPenalty: repetition_penalty }),
  };
}

/** The request as a model takes it. */
export function toTranscriptionRequest({ fields, audio }: TranscriptionForm): TranscriptionRequest {
  const { language, prompt, max_completion_tokens: maxTokens } = fields;
  const sampling = toSampling(fields);
  return {
    audio,
    prompt,
    timestamps: fields.response_format === 'verbose_json',
    sampling,
    // Text that a client has been sent cannot be written again.
    retriesDoubtful: !fields.stream && sampling.temperature === 0,
    ...(language !== undefined && { language }),
    ...(maxTokens !== undefined && { maxTokens }),
  };
}
