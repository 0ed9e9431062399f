import { placeInRecording, type SoundWindow } from '../../audio/vad/speech-windows.js';
import type { TranscriptionPiece, TranscriptionSegment } from '../transcription-model.js';
import { compressionRatio } from '../whisper/decoding/fallback.js';
import { SAMPLE_RATE } from './sound/sound-protocol.js';
import type { Utterance } from './utterances.js';

/** The language of the model, which is the only one. */
export const LANGUAGE = 'en';

/** The decoder prints six digits: what is less has the logarithm of half of the last one. */
const LEAST_PROBABILITY = 5e-7;

const textOf = (utterance: Utterance): string => utterance.map(({ text }) => text).join(' ');

function meanLogprob(utterance: Utterance): number {
  const logs = utterance.map(({ probability }) => Math.log(Math.max(probability, LEAST_PROBABILITY)));
  return logs.reduce((sum, log) => sum + log, 0) / logs.length;
}

function toSegment(utterance: Utterance, window: SoundWindow): TranscriptionSegment {
  const place = (seconds: number, isEnd: boolean) =>
    placeInRecording(window, Math.round(seconds * SAMPLE_RATE), isEnd) / SAMPLE_RATE;
  const text = textOf(utterance);
  const start = place(utterance[0]?.startS ?? 0, false);
  return {
    start,
    end: Math.max(start, place(utterance.at(-1)?.endS ?? 0, true)),
    text,
    // Its words have no numbers that would mean anything to others.
    tokens: [],
    avgLogprob: meanLogprob(utterance),
    compressionRatio: compressionRatio(text),
    temperature: 0,
    windowStart: (window[0]?.start ?? 0) / SAMPLE_RATE,
  };
}

export interface HeardWindow {
  readonly utterances: readonly Utterance[];
  readonly window: SoundWindow;
  /** Of the whole recording. */
  readonly durationS: number;
  /** Earlier windows of it gave text. */
  readonly followsText: boolean;
}

/** What one window adds to the answer. Its words count as tokens. */
export function toPiece(
  { utterances, window, durationS, followsText }: HeardWindow,
  hasTimes: boolean,
): TranscriptionPiece {
  const text = utterances.map(textOf).join(' ');
  const segments = hasTimes ? utterances.map((utterance) => toSegment(utterance, window)) : [];
  return {
    text: followsText && text !== '' ? ` ${text}` : text,
    tokens: utterances.reduce((sum, { length }) => sum + length, 0),
    promptTokens: 0,
    language: LANGUAGE,
    durationS,
    windowEnd: { finishReason: 'stop', segments },
  };
}
