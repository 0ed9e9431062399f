import { z } from 'zod';

const modelName = z.string().min(1).max(256).meta({ description: 'A name of `GET /models`.' });
const language = z
  .string()
  .regex(/^[a-z]{2,3}$/, 'must be an ISO 639-1 code in small letters')
  .meta({ description: 'ISO 639-1; found out by the model when left out.', examples: ['en'] });
/** Whisper reads the last 224 tokens of it. */
const MAX_PROMPT_CHARS = 8192;

/** The JSON text of the part `metadata` of `POST /transcribe`. */
export const transcribeMetadataSchema = z.object({
  model: modelName,
  language: language.optional(),
  hosting: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
});

/** The form of `POST /transcribe`. */
export const transcribeFormSchema = z
  .object({
    audiofile: z.string().meta({ format: 'binary', description: 'The recording; its format is found out.' }),
    metadata: z.string().meta({
      description: 'JSON: `model`, and `language` if it is known.',
      examples: ['{"model":"whisper-small","language":"en"}'],
    }),
  })
  .meta({ id: 'TranscribeForm' });

export const transcribeAnswerSchema = z
  .object({
    transcription: z.string(),
    segments: z
      .array(
        z.object({
          start: z.number(),
          end: z.number(),
          text: z.string(),
          tokens: z.array(z.number().int()),
        }),
      )
      .meta({ description: 'Times in seconds from the beginning of the recording.' }),
    language: z.string().nullable(),
    num_tokens_prompt_total: z.number().int(),
    num_tokens_generated: z.number().int(),
  })
  .meta({ id: 'TranscribeAnswer' });
export type TranscribeAnswerWire = z.infer<typeof transcribeAnswerSchema>;

export const transcriptionFormatSchema = z.enum(['json', 'text', 'verbose_json', 'srt', 'vtt']);
export type TranscriptionFormat = z.infer<typeof transcriptionFormatSchema>;

/** The form of `POST /audio/transcriptions`, OpenAI's; its fields are text, as in any form. */
export const transcriptionFormSchema = z
  .object({
    file: z.string().meta({ format: 'binary', description: 'The recording; its format is found out.' }),
    model: modelName,
    language: language.optional(),
    prompt: z
      .string()
      .max(MAX_PROMPT_CHARS)
      .optional()
      .meta({ description: 'What may have been said before.' }),
    response_format: transcriptionFormatSchema
      .optional()
      .meta({ default: 'json', description: 'The form of the answer.' }),
    temperature: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ description: '0 lets the model decide itself when to be less strict.' }),
    'timestamp_granularities[]': z
      .array(z.enum(['segment', 'word']))
      .optional()
      .meta({ description: '`segment`; times of single words are not offered.' }),
  })
  .meta({ id: 'TranscriptionForm' });

export const transcriptionAnswerSchema = z
  .object({
    text: z.string(),
    usage: z.object({ type: z.literal('duration'), seconds: z.number().int() }).optional(),
  })
  .meta({ id: 'TranscriptionAnswer' });
export type TranscriptionAnswerWire = z.infer<typeof transcriptionAnswerSchema>;

export const verboseTranscriptionSchema = z
  .object({
    task: z.literal('transcribe'),
    language: z.string().nullable(),
    duration: z.number().nullable().meta({ description: 'Seconds.' }),
    text: z.string(),
    segments: z.array(
      z.object({
        id: z.number().int(),
        seek: z.number().int(),
        start: z.number(),
        end: z.number(),
        text: z.string(),
        tokens: z.array(z.number().int()),
        temperature: z.number().nullable(),
        avg_logprob: z.number().nullable(),
        compression_ratio: z.number().nullable(),
        no_speech_prob: z.number().nullable(),
      }),
    ),
    usage: z.object({ type: z.literal('duration'), seconds: z.number().int() }).optional(),
  })
  .meta({ id: 'VerboseTranscription' });
export type VerboseTranscriptionWire = z.infer<typeof verboseTranscriptionSchema>;
