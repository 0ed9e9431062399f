import { z } from 'zod';
import type { TranscriptionRequest } from '../../models/transcription-model.js';
import { parseFields } from '../parse-fields.js';
import { MalformedRequest } from '../vllm-error.js';

/** vLLM's `VLLM_MAX_AUDIO_CLIP_FILESIZE_MB`. */
const MAX_FILE_MIB = 25;
const MIB = 1024 * 1024;
/** The whole form. Its other fields are small. */
export const MAX_FORM_BYTES = (MAX_FILE_MIB + 7) * MIB;

const words: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
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
  'timestamp_granularities[]': z.enum(['segment'], 'only segment is supported').optional(),
  temperature: z
    .string()
    .refine((text) => Number(text) === 0, 'must be 0: the likeliest token is taken each time')
    .optional(),
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

async function readForm(body: Buffer, contentType: string): Promise<FormData> {
  try {
    // Node's own parser of forms; nothing is fetched.
    return await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw new MalformedRequest('The body is not valid multipart/form-data.');
  }
}

/**
 * Reads a form. Throws `MalformedRequest` with the first field that is wrong, and `FileExpected`.
 *
 * @param contentType with the form's boundary
 */
export async function parseTranscriptionForm(body: Buffer, contentType: string): Promise<TranscriptionForm> {
  const form = await readForm(body, contentType);
  const file = form.get('file');
  if (typeof file === 'string')
    throw new FileExpected("Expected 'file' to be a file-like object, not 'str'.");
  if (file === null) throw new MalformedRequest('file: is required', 'file');
  if (file.size > MAX_FILE_MIB * MIB) {
    throw new MalformedRequest(`Maximum file size exceeded (${MAX_FILE_MIB} MiB)`, 'file');
  }
  const texts = [...form].filter(([, value]) => typeof value === 'string' && value !== '');
  const fields = parseFields(formSchema, Object.fromEntries(texts), 'schema');
  if (fields.response_format === 'verbose_json' && fields.stream) {
    throw new MalformedRequest("verbose_json format doesn't support streaming case", 'response_format');
  }
  if (!fields.stream && (fields.stream_include_usage || fields.stream_continuous_usage_stats)) {
    throw new MalformedRequest(
      'Stream options can only be defined when `stream=True`.',
      'stream_include_usage',
    );
  }
  return { fields, audio: new Uint8Array(await file.arrayBuffer()) };
}

/** The request as a model takes it. */
export function toTranscriptionRequest({ fields, audio }: TranscriptionForm): TranscriptionRequest {
  const { language, prompt, max_completion_tokens: maxTokens } = fields;
  return {
    audio,
    prompt,
    timestamps: fields.response_format === 'verbose_json',
    ...(language !== undefined && { language }),
    ...(maxTokens !== undefined && { maxTokens }),
  };
}
