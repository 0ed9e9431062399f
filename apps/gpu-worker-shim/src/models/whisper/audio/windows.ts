/** A part of the sound, in samples. */
export interface SoundWindow {
  readonly start: number;
  readonly end: number;
}

/** Loudness is compared over this many seconds. */
const QUIET_S = 0.1;
/** How far before the end of a full window the cut may lie, in seconds. */
const SEARCH_S = 1;

/**
 * Cuts sound into windows of at most `maxSamples`, each at the quietest tenth of a second of its last second, as vLLM does,
 * so that few words are cut in two.
 */
export function cutIntoWindows(samples: Float32Array, maxSamples: number, sampleRate: number): SoundWindow[] {
  const windows: SoundWindow[] = [];
  let start = 0;
  while (samples.length - start > maxSamples) {
    const search = Math.min(SEARCH_S * sampleRate, Math.floor(maxSamples / 2));
    const end = quietest(samples, start + maxSamples - search, start + maxSamples, QUIET_S * sampleRate);
    windows.push({ start, end });
    start = end;
  }
  windows.push({ start, end: samples.length });
  return windows;
}

/** The middle of the quietest part between two places. */
function quietest(samples: Float32Array, from: number, to: number, length: number): number {
  let best = to;
  let least = Number.POSITIVE_INFINITY;
  for (let at = from; at + length <= to; at += length) {
    let energy = 0;
    for (let place = at; place < at + length; place += 1) energy += samples[place]! ** 2;
    // Of equally quiet parts the last: windows get as long as they may.
    if (energy <= least) {
      least = energy;
      best = at + length / 2;
    }
  }
  return Math.floor(best);
}
