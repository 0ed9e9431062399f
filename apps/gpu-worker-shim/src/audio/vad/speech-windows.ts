/** A stretch of a recording, in samples. */
export interface SoundPart {
  readonly start: number;
  readonly end: number;
}

/** What is heard at once: stretches of speech after each other, the silence between them left out. */
export type SoundWindow = readonly SoundPart[];

/** Values of faster-whisper's `VadOptions`, which go with Whisper. */
const SPEECH = 0.5;
/** Lower, so that a breath does not end speech. */
const SILENCE = 0.35;
const MIN_SPEECH_S = 0.25;
const MIN_SILENCE_S = 2;
const PADDING_S = 0.4;

export interface SpeechTimes {
  /** How likely somebody speaks, frame by frame. */
  readonly probabilities: readonly number[];
  /** Samples of one frame. */
  readonly frame: number;
  readonly sampleRate: number;
  /** Of the whole recording. */
  readonly samples: number;
}

/** Where somebody speaks: stretches with silence of some seconds between them, a little longer than the speech. */
export function findSpeech({ probabilities, frame, sampleRate, samples }: SpeechTimes): SoundPart[] {
  const found: SoundPart[] = [];
  let start: number | undefined;
  let silentFrom: number | undefined;
  const close = (end: number) => {
    if (start !== undefined && end - start >= MIN_SPEECH_S * sampleRate) found.push({ start, end });
    start = undefined;
    silentFrom = undefined;
  };
  for (const [index, probability] of probabilities.entries()) {
    const at = index * frame;
    if (probability >= SPEECH) {
      start ??= at;
      silentFrom = undefined;
    } else if (start !== undefined && probability < SILENCE) {
      silentFrom ??= at;
      if (at - silentFrom >= MIN_SILENCE_S * sampleRate) close(silentFrom);
    }
  }
  close(silentFrom ?? samples);
  const padding = PADDING_S * sampleRate;
  return found.map((part) => ({
    start: Math.max(0, part.start - padding),
    end: Math.min(samples, part.end + padding),
  }));
}

/** Where speech that is longer than a window is cut: where it is least likely, in the window's second half. */
function cutPlace({ start }: SoundPart, maxSamples: number, { probabilities, frame }: SpeechTimes): number {
  let best = start + maxSamples;
  let least = Number.POSITIVE_INFINITY;
  const last = Math.floor((start + maxSamples) / frame) - 1;
  for (let index = Math.ceil((start + maxSamples / 2) / frame); index <= last; index += 1) {
    const probability = probabilities[index] ?? 0;
    if (probability > least) continue;
    least = probability;
    best = Math.floor((index + 0.5) * frame);
  }
  return best;
}

/** Windows of at most `maxSamples` that hold all speech. None: nobody speaks. */
export function cutAtSilence(times: SpeechTimes, maxSamples: number): SoundWindow[] {
  const windows: SoundPart[][] = [];
  let current: SoundPart[] = [];
  let room = maxSamples;
  const add = (part: SoundPart) => {
    const length = part.end - part.start;
    if (length > room) {
      if (current.length > 0) windows.push(current);
      current = [];
      room = maxSamples;
    }
    current.push(part);
    room -= length;
  };
  for (const speech of findSpeech(times)) {
    let rest = speech;
    while (rest.end - rest.start > maxSamples) {
      const cut = cutPlace(rest, maxSamples, times);
      add({ start: rest.start, end: cut });
      rest = { start: cut, end: rest.end };
    }
    add(rest);
  }
  if (current.length > 0) windows.push(current);
  return windows;
}

/**
 * The place in the recording of a place in a window, in samples.
 *
 * @param isEnd at the border of two parts: the end of the first, not the beginning of the second
 */
export function placeInRecording(window: SoundWindow, at: number, isEnd: boolean): number {
  let before = 0;
  for (const { start, end } of window) {
    const length = end - start;
    if (at < before + length || (isEnd && at === before + length)) return start + at - before;
    before += length;
  }
  return window.at(-1)?.end ?? 0;
}
