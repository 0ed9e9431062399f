import { joinSamples, type Samples } from './sound.js';

/** Zero crossings of the kernel on each side. */
const CROSSINGS = 24;
/** Where the low-pass begins to cut, as part of the lower of the two half rates. */
const ROLL_OFF = 0.945;
/** Of the Kaiser window: 100 dB of stop-band attenuation. */
const BETA = 10;
/** Kernels that are kept. Rates that need more take the nearest: an error below -70 dB, and a bound on memory. */
const MAX_PHASES = 1024;

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

const isSilence = (samples: Samples): boolean => samples.every((value) => value === 0);

/**
 * Changes the sample rate of a stream by a windowed sinc (J. O. Smith, "Digital Audio Resampling",
 * https://ccrma.stanford.edu/~jos/resample/). What comes out does not depend on how the stream is cut into pieces.
 */
export class Resampler {
  private readonly phases: number;
  private readonly step: number;
  private readonly cutoff: number;
  private readonly halfWidth: number;
  private readonly reach: number;
  private readonly kernels: (Float64Array | undefined)[] = [];
  /** Input from sample number `heldFrom` on. */
  private held: Samples = new Float32Array();
  private heldFrom = 0;
  /** All that is held is 0: so is what comes of it. Hours of silence can be packed into a small file. */
  private isSilent = false;
  private taken = 0;
  private given = 0;

  constructor(
    private readonly from: number,
    private readonly to: number,
  ) {
    const divisor = gcd(from, to);
    this.phases = to / divisor;
    this.step = from / divisor;
    this.cutoff = (ROLL_OFF * Math.min(1, to / from)) / 2;
    this.halfWidth = CROSSINGS / (2 * this.cutoff);
    this.reach = Math.ceil(this.halfWidth);
  }

  /** Takes input; gives the output that it makes known. */
  push(samples: Samples): Samples {
    this.taken += samples.length;
    if (this.from === this.to) return samples;
    this.isSilent = isSilence(this.held) && isSilence(samples);
    this.held = joinSamples([this.held, samples]);
    // The last output whose kernel does not reach beyond what has come.
    const ready = Math.ceil(((this.taken - this.reach) * this.phases) / this.step);
    return this.give(Math.max(this.given, ready));
  }

  /** The output that remains once all input is in: silence follows it. At least one sample comes out of a stream. */
  flush(): Samples {
    if (this.from === this.to || this.taken === 0) return new Float32Array();
    return this.give(Math.max(1, this.given, Math.floor((this.taken * this.phases) / this.step)));
  }

  private give(until: number): Samples {
    const { phases, step, reach, held, heldFrom } = this;
    const result = new Float32Array(until - this.given);
    for (let at = this.isSilent ? until : this.given; at < until; at += 1) {
      const place = at * step;
      const centre = Math.floor(place / phases);
      const kernel = this.kernelOf(place % phases);
      const first = Math.max(heldFrom, centre - reach);
      const last = Math.min(this.taken - 1, centre + reach);
      const shift = reach - centre;
      let sum = 0;
      for (let source = first; source <= last; source += 1) {
        sum += held[source - heldFrom]! * kernel[source + shift]!;
      }
      result[at - this.given] = sum;
    }
    this.given = until;
    const needed = Math.max(heldFrom, Math.floor((until * step) / phases) - reach);
    this.held = held.slice(Math.min(held.length, needed - heldFrom));
    this.heldFrom = this.taken - this.held.length;
    return result;
  }

  private kernelOf(exact: number): Float64Array {
    const { phases, reach } = this;
    const kept = Math.min(phases, MAX_PHASES);
    const phase = phases > MAX_PHASES ? Math.floor((exact * kept) / phases) : exact;
    const known = this.kernels[phase];
    if (known !== undefined) return known;
    const made = Float64Array.from({ length: 2 * reach + 1 }, (_, at) =>
      kernelAt(at - reach - phase / kept, this.cutoff, this.halfWidth),
    );
    this.kernels[phase] = made;
    return made;
  }
}
