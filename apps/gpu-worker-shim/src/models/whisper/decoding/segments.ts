import type { TranscriptionSegment } from '../../transcription-model.js';
import { compressionRatio } from './fallback.js';
import type { TokenChoice } from './token-choice.js';
import { TIMESTAMP_STEP_S } from './whisper-tokens.js';

/** Times are in seconds from the beginning of the window. */
export type WindowSegment = Omit<TranscriptionSegment, 'windowStart'>;

/** One decoded window. */
export interface DecodedWindow {
  /** Without the end token. */
  readonly choices: readonly TokenChoice[];
  readonly timestampBegin: number;
  readonly noSpeechProb: number;
  readonly temperature: number;
  /** Of the sound in it. */
  readonly durationS: number;
}

/**
 * How much of a window counts when sound follows it: a text that breaks off behind a finished segment is heard again from
 * there on, as openai/whisper does.
 */
export function finishedPart(
  choices: readonly TokenChoice[],
  timestampBegin: number,
): { readonly choices: readonly TokenChoice[]; readonly seekS: number | undefined } {
  const isTime = (at: number) => (choices[at]?.id ?? 0) >= timestampBegin;
  const last = choices.length - 1;
  // One time at the end: nothing was being said when the window ended.
  if (isTime(last) && !isTime(last - 1)) return { choices, seekS: undefined };
  const pair = choices.findLastIndex((_choice, at) => at > 0 && isTime(at) && isTime(at - 1));
  if (pair <= 0) return { choices, seekS: undefined };
  const seekS = ((choices[pair - 1]?.id ?? timestampBegin) - timestampBegin) * TIMESTAMP_STEP_S;
  return { choices: choices.slice(0, pair), seekS };
}

/**
 * Parts the tokens of a window at their times. A segment that the model did not end, for want of tokens, ends with the
 * window; times behind its end are put there.
 */
export function toSegments(
  window: DecodedWindow,
  textOf: (ids: readonly number[]) => string,
): WindowSegment[] {
  const segments: WindowSegment[] = [];
  const timeOf = (id: number) => Math.min(window.durationS, (id - window.timestampBegin) * TIMESTAMP_STEP_S);
  let start = 0;
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
  close(window.durationS);
  return segments;
}

function toSegment(
  window: DecodedWindow,
  start: number,
  end: number,
  choices: readonly TokenChoice[],
  textOf: (ids: readonly number[]) => string,
): WindowSegment {
  const tokens = choices.map(({ id }) => id);
  const text = textOf(tokens);
  return {
    start,
    end,
    text,
    tokens,
    avgLogprob: choices.reduce((sum, { logprob }) => sum + logprob, 0) / choices.length,
    compressionRatio: compressionRatio(text),
    noSpeechProb: window.noSpeechProb,
    temperature: window.temperature,
  };
}
