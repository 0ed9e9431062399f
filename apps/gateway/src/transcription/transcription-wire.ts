import type { Usage } from '@fovea/schemas/events';
import type {
  TranscribeAnswerWire,
  TranscriptionAnswerWire,
  TranscriptionFormat,
  VerboseTranscriptionWire,
} from '@fovea/schemas/http';
import { toSrt, toVtt } from './subtitles.js';
import { segmentsOf, type Transcript } from './transcript.js';

/** The answer of `POST /transcribe`. */
export const toTranscribeAnswer = (transcript: Transcript, usage: Usage): TranscribeAnswerWire => ({
  transcription: transcript.text,
  segments: segmentsOf(transcript).map(({ startS, endS, text, tokenIds }) => ({
    start: startS,
    end: endS,
    text,
    tokens: tokenIds,
  })),
  language: transcript.language,
  num_tokens_prompt_total: usage.promptTokens,
  num_tokens_generated: usage.completionTokens,
});

const usageOf = ({ durationS }: Transcript): Pick<TranscriptionAnswerWire, 'usage'> =>
  durationS === null ? {} : { usage: { type: 'duration', seconds: Math.ceil(durationS) } };

const toVerbose = (transcript: Transcript): VerboseTranscriptionWire => ({
  task: 'transcribe',
  language: transcript.language,
  duration: transcript.durationS,
  text: transcript.text,
  segments: segmentsOf(transcript).map((segment, id) => ({
    id,
    seek: 0,
    start: segment.startS,
    end: segment.endS,
    text: segment.text,
    tokens: segment.tokenIds,
    temperature: segment.temperature ?? null,
    avg_logprob: segment.avgLogprob ?? null,
    compression_ratio: segment.compressionRatio ?? null,
    no_speech_prob: segment.noSpeechProb ?? null,
  })),
  ...usageOf(transcript),
});

const json = 'application/json; charset=utf-8';

/** The answer of `POST /audio/transcriptions` in the form that was asked for, and its content type. */
export function toTranscriptionAnswer(
  transcript: Transcript,
  format: TranscriptionFormat,
): { readonly type: string; readonly body: string } {
  switch (format) {
    case 'text':
      return { type: 'text/plain; charset=utf-8', body: `${transcript.text.trim()}\n` };
    case 'srt':
      return { type: 'application/x-subrip; charset=utf-8', body: toSrt(transcript) };
    case 'vtt':
      return { type: 'text/vtt; charset=utf-8', body: toVtt(transcript) };
    case 'verbose_json':
      return { type: json, body: JSON.stringify(toVerbose(transcript)) };
    case 'json': {
      const answer: TranscriptionAnswerWire = { text: transcript.text.trim(), ...usageOf(transcript) };
      return { type: json, body: JSON.stringify(answer) };
    }
  }
}
