/** Zero crossings of the kernel on each side. */
const CROSSINGS = 24;
/** Where the low-pass begins to cut, as part of the lower of the two half rates. */
const ROLL_OFF = 0.945;
/** Of the Kaiser window: 100 dB of stop-band attenuation. */
const BETA = 10;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Modified Bessel function of the first kind, order 0, by its series. */
function bessel0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** The kernel at a distance in input samples; `cutoff` as part of the input rate. */
function kernelAt(distance: number, cutoff: number, halfWidth: number): number {
  const place = distance / halfWidth;
  if (Math.abs(place) >= 1) return 0;
  const x = Math.PI * 2 * cutoff * distance;
  const sinc = x === 0 ? 1 : Math.sin(x) / x;
  return 2 * cutoff * sinc * (bessel0(BETA * Math.sqrt(1 - place * place)) / bessel0(BETA));
}

/**
 * Changes the sample rate by a windowed sinc (J. O. Smith, "Digital Audio Resampling",
 * https://ccrma.stanford.edu/~jos/resample/). One kernel per phase is kept: as many as `to` has over the common divisor.
 */
export function resample(
  samples: Float32Array<ArrayBuffer>,
  from: number,
  to: number,
): Float32Array<ArrayBuffer> {
  if (from === to) return samples;
  const divisor = gcd(from, to);
  const phases = to / divisor;
  const step = from / divisor;
  const cutoff = (ROLL_OFF * Math.min(1, to / from)) / 2;
  const halfWidth = CROSSINGS / (2 * cutoff);
  const reach = Math.ceil(halfWidth);
  const kernels: (Float64Array | undefined)[] = [];
  const kernelOf = (phase: number): Float64Array => {
    const known = kernels[phase];
    if (known !== undefined) return known;
    const made = Float64Array.from({ length: 2 * reach + 1 }, (_, at) =>
      kernelAt(at - reach - phase / phases, cutoff, halfWidth),
    );
    kernels[phase] = made;
    return made;
  };
  const result = new Float32Array(Math.max(1, Math.floor((samples.length * phases) / step)));
  for (let at = 0; at < result.length; at += 1) {
    const centre = Math.floor((at * step) / phases);
    const kernel = kernelOf((at * step) % phases);
    const first = Math.max(0, centre - reach);
    const last = Math.min(samples.length - 1, centre + reach);
    let sum = 0;
    for (let source = first; source <= last; source += 1)
      sum += samples[source]! * kernel[source - centre + reach]!;
    result[at] = sum;
  }
  return result;
}
