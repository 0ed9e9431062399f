/** Loudness is compared over this many seconds. */
const QUIET_S = 0.1;
/** How far before the end of a full window the cut may lie, in seconds. */
const SEARCH_S = 1;

/**
 * Where to end a window that more sound follows: in the middle of the quietest tenth of a second of its last second, as vLLM
 * does, so that few words are cut in two. Of equally quiet places the last.
 */
export function quietCut(samples: Float32Array, sampleRate: number): number {
  const length = Math.floor(QUIET_S * sampleRate);
  const from = samples.length - Math.min(SEARCH_S * sampleRate, Math.floor(samples.length / 2));
  let best = samples.length;
  let least = Number.POSITIVE_INFINITY;
  for (let at = from; at + length <= samples.length; at += length) {
    let energy = 0;
    for (let place = at; place < at + length; place += 1) energy += samples[place]! ** 2;
    if (energy > least) continue;
    least = energy;
    best = at + length / 2;
  }
  return Math.floor(best);
}
