/** Cosines and sines of `-2πi·a·b/n`. */
function twiddles(rows: number, columns: number, n: number): { cos: Float64Array; sin: Float64Array } {
  const angle = (at: number) => (-2 * Math.PI * ((Math.floor(at / columns) * (at % columns)) % n)) / n;
  const length = rows * columns;
  return {
    cos: Float64Array.from({ length }, (_, at) => Math.cos(angle(at))),
    sin: Float64Array.from({ length }, (_, at) => Math.sin(angle(at))),
  };
}

function largestDivisorBelowRoot(n: number): number {
  let divisor = Math.floor(Math.sqrt(n));
  while (n % divisor !== 0) divisor -= 1;
  return divisor;
}

/**
 * Squared magnitudes of the discrete Fourier transform of real samples, up to half the sample rate. Lengths such as 400 are
 * no power of two, so the transform is parted once by Cooley and Tukey: `inner` sums over every `outer`-th sample, then
 * one sum per frequency over those.
 */
export class PowerSpectrum {
  private readonly outer: number;
  private readonly inner: number;
  private readonly innerTable: { cos: Float64Array; sin: Float64Array };
  private readonly outerTable: { cos: Float64Array; sin: Float64Array };
  private readonly real: Float64Array;
  private readonly imaginary: Float64Array;
  readonly bins: number;

  constructor(size: number) {
    this.inner = largestDivisorBelowRoot(size);
    this.outer = size / this.inner;
    this.bins = Math.floor(size / 2) + 1;
    this.innerTable = twiddles(this.inner, this.inner, this.inner);
    this.outerTable = twiddles(this.bins, this.outer, size);
    this.real = new Float64Array(size);
    this.imaginary = new Float64Array(size);
  }

  /** Writes `bins` values to `into`. */
  transform(samples: Float64Array, into: Float64Array): void {
    this.sumInner(samples);
    const { outer, inner, real, imaginary } = this;
    const { cos, sin } = this.outerTable;
    for (let bin = 0; bin < this.bins; bin += 1) {
      const row = (bin % inner) * outer;
      let re = 0;
      let im = 0;
      for (let at = 0; at < outer; at += 1) {
        const c = cos[bin * outer + at]!;
        const s = sin[bin * outer + at]!;
        re += real[row + at]! * c - imaginary[row + at]! * s;
        im += real[row + at]! * s + imaginary[row + at]! * c;
      }
      into[bin] = re * re + im * im;
    }
  }

  private sumInner(samples: Float64Array): void {
    const { outer, inner, real, imaginary } = this;
    const { cos, sin } = this.innerTable;
    for (let frequency = 0; frequency < inner; frequency += 1) {
      for (let offset = 0; offset < outer; offset += 1) {
        let re = 0;
        let im = 0;
        for (let at = 0; at < inner; at += 1) {
          const sample = samples[at * outer + offset]!;
          re += sample * cos[frequency * inner + at]!;
          im += sample * sin[frequency * inner + at]!;
        }
        real[frequency * outer + offset] = re;
        imaginary[frequency * outer + offset] = im;
      }
    }
  }
}
