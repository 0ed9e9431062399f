/** Slaney's scale: linear below 1 kHz, logarithmic above (M. Slaney, Auditory Toolbox, 1998; the default of librosa). */
const toMel = (hertz: number): number =>
  hertz < 1000 ? (3 * hertz) / 200 : 15 + Math.log(hertz / 1000) * (27 / Math.log(6.4));
const toHertz = (mel: number): number =>
  mel < 15 ? (200 * mel) / 3 : 1000 * Math.exp((mel - 15) * (Math.log(6.4) / 27));

/** A triangle over neighbouring bins. */
export interface MelFilter {
  readonly firstBin: number;
  readonly weights: Float64Array;
}

/** Triangles of equal area between 0 Hz and half the sample rate, evenly spread over the mel scale. */
export function melFilters(count: number, bins: number, sampleRate: number): MelFilter[] {
  const highest = toMel(sampleRate / 2);
  const edges = Array.from({ length: count + 2 }, (_, at) => toHertz((highest * at) / (count + 1)));
  const hertzOf = (bin: number) => ((sampleRate / 2) * bin) / (bins - 1);
  return Array.from({ length: count }, (_, at) => {
    const [low = 0, middle = 0, high = 0] = edges.slice(at, at + 3);
    const weightOf = (bin: number) => {
      const rising = (hertzOf(bin) - low) / (middle - low);
      const falling = (high - hertzOf(bin)) / (high - middle);
      return (Math.max(0, Math.min(rising, falling)) * 2) / (high - low);
    };
    const all = Array.from({ length: bins }, (_bin, bin) => weightOf(bin));
    const firstBin = Math.max(
      0,
      all.findIndex((weight) => weight > 0),
    );
    const lastBin = all.findLastIndex((weight) => weight > 0);
    return { firstBin, weights: Float64Array.from(all.slice(firstBin, lastBin + 1)) };
  });
}
