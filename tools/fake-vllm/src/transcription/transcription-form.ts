import { z } from 'zod';
import { maxBodyBytes, readBody } from '../http/respond.js';
import { VllmError } from '../http/vllm-error.js';
import type { Admission } from '../requests/admission.js';
import { audioSeconds } from './audio-length.js';

/** `VLLM_MAX_AUDIO_CLIP_FILESIZE_MB`. */
const maxFileBytes = 25 * 1024 * 1024;

const languages = new Set(
  'af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh'.split(
    ' ',
  ),
);

const flag = z
  .enum(['true', 'false', 'True', 'False', '1', '0'])
  .transform((value) => /^(true|1)$/i.test(value));
const wholeNumber = z.coerce.number().int();
const schema = z.looseObject({
  model: z.string().optional(),
  language: z.string().optional(),
  prompt: z.string().optional(),
  response_format: z.enum(['json', 'text', 'srt', 'verbose_json', 'vtt']).optional(),
  stream: flag.optional(),
  stream_include_usage: flag.optional(),
  stream_continuous_usage_stats: flag.optional(),
  use_beam_search: flag.optional(),
  temperature: z.coerce.number().min(0).optional(),
  seed: wholeNumber.optional(),
  max_completion_tokens: wholeNumber.min(1).optional(),
});

/** The fields of a transcription request, its file read. */
export interface TranscriptionForm {
  readonly fields: z.infer<typeof schema>;
  readonly granularities: readonly string[];
  readonly seconds: number;
}

async function readForm(admission: Admission): Promise<FormData> {
  const contentType = admission.incoming.headers['content-type'] ?? '';
  const body = await readBody(admission.incoming, maxBodyBytes);
  return new Response(new Uint8Array(body), { headers: { 'content-type': contentType } })
    .formData()
    .catch((): never => {
      throw new VllmError(400, 'There was an error parsing the body');
    });
}

/** FastAPI's 422, with the `detail` that names the field. */
function unprocessable(field: string, message: string): VllmError {
  const detail = `[{'type': 'missing', 'loc': ('body', '${field}'), 'msg': '${message}'}]`;
  return new VllmError(422, detail, { form: 'detail' });
}

async function readSeconds(form: FormData): Promise<number> {
  const file = form.get('file');
  if (file === null || typeof file === 'string') throw unprocessable('file', 'Expected UploadFile');
  if (file.size > maxFileBytes)
    throw new VllmError(400, 'Maximum file size exceeded (parameter=audio_filesize_mb)');
  const seconds = audioSeconds(Buffer.from(await file.arrayBuffer()));
  if (seconds === undefined) throw new VllmError(400, 'Invalid or unsupported audio file.');
  return seconds;
}

function checkFields(fields: TranscriptionForm['fields']): void {
  const { response_format: format = 'json', stream, language } = fields;
  if (format === 'srt' || format === 'vtt') {
    throw new VllmError(400, "Currently only support response_format: 'text', 'json' or 'verbose_json'");
  }
  if (stream && format === 'verbose_json') {
    throw new VllmError(400, "verbose_json format doesn't support streaming case");
  }
  if (stream && fields.use_beam_search) {
    throw new VllmError(400, 'Streaming is not currently supported with beam search');
  }
  if (language !== undefined && !languages.has(language)) {
    throw new VllmError(
      400,
      `Unsupported language: '${language}'. Must be one of ${[...languages].join(', ')}.`,
    );
  }
}

/** Reads and checks the form; throws a `VllmError`. */
export async function readTranscriptionForm(admission: Admission): Promise<TranscriptionForm> {
  const form = await readForm(admission);
  const texts = [...form].filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const seconds = await readSeconds(form);
  const parsed = schema.safeParse(Object.fromEntries(texts.filter(([name]) => !name.endsWith('[]'))));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unprocessable(String(issue?.path[0]), issue?.message ?? '');
  }
  checkFields(parsed.data);
  const granularities = form.getAll('timestamp_granularities[]').map(String);
  return { fields: parsed.data, granularities, seconds };
}
