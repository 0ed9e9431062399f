import { deflateSync } from 'node:zlib';

/**
 * How openai/whisper finds out that a text is wrong, and what it then does: the window is written again with more chance
 * (`transcribe.py`, `decode_with_fallback`; arXiv:2212.04356, section 4.5).
 */
export const FALLBACK_TEMPERATURES: readonly number[] = [0, 0.2, 0.4, 0.6, 0.8, 1];
const MAX_COMPRESSION_RATIO = 2.4;
const MIN_LOGPROB = -1;
/** More, and a text that is unlikely, too: nobody speaks. */
const MAX_NO_SPEECH_PROB = 0.6;

/** Bytes of a text for one byte of it compressed: much for one that repeats itself. */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text);
  return bytes.length / deflateSync(bytes).length;
}

/** What is known of a window once it is written. */
export interface WrittenWindow {
  readonly text: string;
  /** Mean natural logarithm of the tokens' probabilities, the end token's included. */
  readonly avgLogprob: number;
  readonly noSpeechProb: number;
}

/** May nobody be speaking? It is for the text to tell. */
export const isMaybeSilent = (noSpeechProb: number): boolean => noSpeechProb > MAX_NO_SPEECH_PROB;

export const isSilent = ({ noSpeechProb, avgLogprob }: Omit<WrittenWindow, 'text'>): boolean =>
  isMaybeSilent(noSpeechProb) && avgLogprob < MIN_LOGPROB;

/** Is it worth another try? Silence is not. */
export function isDoubtful(window: WrittenWindow): boolean {
  if (isSilent(window)) return false;
  return window.avgLogprob < MIN_LOGPROB || compressionRatio(window.text) > MAX_COMPRESSION_RATIO;
}
