import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import { z } from 'zod';

const seconds = z.number().nonnegative();
const segmentSchema = z.object({
  start: seconds,
  end: seconds,
  text: z.string(),
  tokens: z.array(z.number().int()).nullish(),
  avg_logprob: z.number().nullish(),
  compression_ratio: z.number().nullish(),
  no_speech_prob: z.number().nullish(),
  temperature: z.number().nullish(),
});

/** Both forms of the answer. vLLM writes the duration as a string, OpenAI as a number. */
const answerSchema = z.object({
  text: z.string(),
  language: z.string().nullish(),
  duration: z.union([seconds, z.string().regex(/^\d+(\.\d+)?$/)]).nullish(),
  segments: z.array(segmentSchema).nullish(),
  usage: z.object({ seconds: seconds.nullish() }).nullish(),
});
type Segment = z.infer<typeof segmentSchema>;

/** An answer of `/v1/audio/transcriptions` as events, `generation-end` last. Throws `BACKEND_ERROR` when it is none. */
export function readTranscription(value: unknown): GenerationEvent[] {
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) {
    const detail = `not an answer to a recording: ${z.prettifyError(parsed.error)}`;
    throw new FoveaError('BACKEND_ERROR', { detail });
  }
  const { text, language, duration, usage } = parsed.data;
  const segments = parsed.data.segments ?? [];
  const durationS = duration == null ? usage?.seconds : Number(duration);
  const completionTokens = segments.reduce((sum, { tokens }) => sum + (tokens?.length ?? 0), 0);
  return [
    ...(text === '' ? [] : [{ type: 'text-delta' as const, index: 0, text }]),
    ...segments.map(toEvent),
    {
      type: 'transcription',
      ...(language == null ? {} : { language }),
      ...(durationS == null ? {} : { durationS }),
    },
    { type: 'generation-end', usage: { promptTokens: 0, completionTokens } },
  ];
}

const toEvent = (segment: Segment, index: number): GenerationEvent => ({
  type: 'segment',
  index,
  startS: segment.start,
  endS: segment.end,
  text: segment.text,
  tokenIds: segment.tokens ?? [],
  ...optional('avgLogprob', segment.avg_logprob),
  ...optional('compressionRatio', segment.compression_ratio),
  ...optional('noSpeechProb', segment.no_speech_prob),
  ...optional('temperature', segment.temperature),
});

const optional = <K extends string>(name: K, value: number | null | undefined): { [P in K]?: number } =>
  (value == null ? {} : { [name]: value }) as { [P in K]?: number };
