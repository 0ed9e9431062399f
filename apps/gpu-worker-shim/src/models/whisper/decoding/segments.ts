import { deflateSync } from 'node:zlib';
import type { TranscriptionSegment } from '../../transcription-model.js';
import type { TokenChoice } from './token-choice.js';
import { TIMESTAMP_STEP_S } from './whisper-tokens.js';

/** One decoded window. */
export interface DecodedWindow {
  /** Without the end token. */
  readonly choices: readonly TokenChoice[];
  readonly timestampBegin: number;
  readonly noSpeechProb: number;
  /** In seconds from the beginning of the file. */
  readonly startS: number;
  readonly endS: number;
}

/**
 * Parts the tokens of a window at their times. A segment that the model did not end, for want of tokens, ends with the
 * window; times behind its end are put there.
 */
export function toSegments(
  window: DecodedWindow,
  textOf: (ids: readonly number[]) => string,
): TranscriptionSegment[] {
  const segments: TranscriptionSegment[] = [];
  const timeOf = (id: number) =>
    Math.min(window.endS, window.startS + (id - window.timestampBegin) * TIMESTAMP_STEP_S);
  let start = window.startS;
  let inside: TokenChoice[] = [];
  const close = (end: number) => {
    if (inside.length > 0) segments.push(toSegment(window, start, Math.max(start, end), inside, textOf));
    inside = [];
  };
  for (const choice of window.choices) {
    if (choice.id < window.timestampBegin) {
      inside.push(choice);
    } else {
      const time = timeOf(choice.id);
      close(time);
      start = time;
    }
  }
  close(window.endS);
  return segments;
}

function toSegment(
  window: DecodedWindow,
  start: number,
  end: number,
  choices: readonly TokenChoice[],
  textOf: (ids: readonly number[]) => string,
): TranscriptionSegment {
  const tokens = choices.map(({ id }) => id);
  const text = textOf(tokens);
  const bytes = Buffer.from(text);
  return {
    start,
    end,
    text,
    tokens,
    avgLogprob: choices.reduce((sum, { logprob }) => sum + logprob, 0) / choices.length,
    compressionRatio: bytes.length / deflateSync(bytes).length,
    noSpeechProb: window.noSpeechProb,
    windowStart: window.startS,
  };
}
