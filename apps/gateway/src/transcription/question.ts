import { FoveaError } from '@fovea/errors';
import {
  type TranscriptionFormat,
  transcribeMetadataSchema,
  transcriptionFormSchema,
} from '@fovea/schemas/http';
import { z } from 'zod';
import { parseRequest, withoutNulls } from '../ingest/parse-request.js';
import { invalidForm } from '../multipart/form-limits.js';
import type { RecordingForm } from './read-recording-form.js';
import type { TranscriptionQuestion } from './submit-transcription.js';

export interface ParsedForm {
  readonly question: TranscriptionQuestion;
  readonly format: TranscriptionFormat;
  /** Fields that mean nothing here. */
  readonly ignored: readonly string[];
}

/** So that paths begin with the field. */
const metadataSchema = z.object({ metadata: transcribeMetadataSchema });

/** The form of `POST /transcribe`. Throws `INVALID_REQUEST` with the path: `metadata.language`. */
export function parsePhariaForm({ audio, fields }: RecordingForm): ParsedForm {
  const [text] = fields.get('metadata') ?? [];
  if (text === undefined) throw invalidForm('metadata: the field is missing', 'metadata');
  const { metadata } = parseRequest(metadataSchema, { metadata: withoutNulls(parseJson(text)) });
  const { model, language } = metadata;
  const question = { model, audio, path: 'audiofile', ...(language === undefined ? {} : { language }) };
  const ignored = [...fields.keys()].filter((name) => name !== 'metadata');
  return { question, format: 'verbose_json', ignored };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidForm('metadata: expected JSON', 'metadata');
  }
}

const known = new Set(Object.keys(transcriptionFormSchema.shape));
const fieldsSchema = transcriptionFormSchema.omit({ file: true });

/** OpenAI's form. A form knows only text, so numbers are read from it. Throws `INVALID_REQUEST` with the field. */
export function parseOpenAiForm({ audio, fields }: RecordingForm): ParsedForm {
  const granularities = fields.get('timestamp_granularities[]');
  const texts = [...fields].filter(([name]) => known.has(name) && !name.endsWith('[]'));
  const values = Object.fromEntries(texts.map(([name, [text = '']]) => [name, readField(name, text)]));
  const wire = parseRequest(fieldsSchema, {
    ...values,
    ...(granularities === undefined ? {} : { 'timestamp_granularities[]': granularities }),
  });
  if (granularities?.includes('word') === true) {
    const message = 'Times of single words are not offered.';
    throw new FoveaError('MISSING_CAPABILITY', { message, param: 'timestamp_granularities[]' });
  }
  const { model, language, prompt, temperature } = wire;
  return {
    question: {
      model,
      audio,
      path: 'file',
      ...(language === undefined ? {} : { language }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(temperature === undefined ? {} : { temperature }),
    },
    format: wire.response_format ?? 'json',
    ignored: [...fields.keys()].filter((name) => !known.has(name)),
  };
}

/** An empty field is none: forms of browsers send them all. `model` has to be there. */
function readField(name: string, text: string): string | number | undefined {
  if (name === 'model') return text;
  if (text === '') return undefined;
  return name === 'temperature' && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
