import type { TranscriptionPiece, TranscriptionSegment } from '../../models/transcription-model.js';
import { toEvent } from '../generation/send-answer.js';
import type { TranscriptionFields } from './transcription-form.js';

/** What every chunk of one answer begins with. */
export interface TranscriptionHead {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
}

/** Counts of one answer, kept while its pieces come. */
export class TranscriptionUsage {
  private promptTokens = 0;
  private completionTokens = 0;

  add({ promptTokens, tokens }: TranscriptionPiece): void {
    this.promptTokens += promptTokens;
    this.completionTokens += tokens;
  }

  toWire() {
    return {
      prompt_tokens: this.promptTokens,
      total_tokens: this.promptTokens + this.completionTokens,
      completion_tokens: this.completionTokens,
    };
  }
}

const segmentToWire = (segment: TranscriptionSegment, id: number) => ({
  id,
  avg_logprob: segment.avgLogprob,
  compression_ratio: segment.compressionRatio,
  end: segment.end,
  no_speech_prob: segment.noSpeechProb ?? null,
  seek: Math.floor(segment.windowStart),
  start: segment.start,
  temperature: segment.temperature,
  text: segment.text,
  tokens: segment.tokens,
});

/** The answer as a whole, in vLLM's forms: `text` is JSON, too. */
export function toTranscriptionAnswer(
  pieces: readonly TranscriptionPiece[],
  form: TranscriptionFields['response_format'],
) {
  const durationS = pieces[0]?.durationS ?? 0;
  const text = pieces.map((piece) => piece.text).join('');
  if (form !== 'verbose_json') return { text, usage: { type: 'duration', seconds: Math.ceil(durationS) } };
  const segments = pieces.flatMap(({ windowEnd }) => windowEnd?.segments ?? []);
  return {
    duration: `${durationS}`,
    language: pieces[0]?.language ?? 'en',
    text,
    segments: segments.map(segmentToWire),
    words: null,
  };
}

/** Writes the chunks of a streamed answer. Each window ends with a finish reason, as in vLLM. */
export class TranscriptionChunks {
  constructor(
    private readonly head: TranscriptionHead,
    private readonly fields: TranscriptionFields,
    private readonly usage: TranscriptionUsage,
  ) {}

  piece({ text, windowEnd }: TranscriptionPiece): string {
    const end = windowEnd && { finish_reason: windowEnd.finishReason, stop_reason: null };
    const isCounted = this.fields.stream_include_usage && this.fields.stream_continuous_usage_stats;
    return this.chunk([{ delta: { content: text }, ...end }], isCounted);
  }

  /** The usage, when it is wanted. */
  end(): string {
    return this.fields.stream_include_usage ? this.chunk([], true) : '';
  }

  private chunk(choices: readonly object[], hasUsage: boolean): string {
    const { id, created, model } = this.head;
    const usage = hasUsage ? { usage: this.usage.toWire() } : {};
    return toEvent({ id, object: 'transcription.chunk', created, model, choices, ...usage });
  }
}
