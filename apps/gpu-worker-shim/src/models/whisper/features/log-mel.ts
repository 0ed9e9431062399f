import { type MelFilter, melFilters } from './mel-filters.js';
import { PowerSpectrum } from './power-spectrum.js';

/** The settings of Whisper's feature extractor, in samples. */
export interface LogMelSettings {
  readonly sampleRate: number;
  /** Samples of one frame. */
  readonly frameSize: number;
  readonly hop: number;
  /** Of one window: 30 s. */
  readonly windowSamples: number;
  readonly melBins: number;
}

const FLOOR = 1e-10;
/** Quieter than the loudest by more than this many decades is the same. */
const RANGE = 8;

/** The place that stands for `at` when sound is mirrored at its ends, neither end doubled. */
function mirrored(at: number, length: number): number {
  const positive = Math.abs(at);
  return positive < length ? positive : 2 * (length - 1) - positive;
}

/** Log-mel spectrograms as Hugging Face's `WhisperFeatureExtractor` makes them. */
export class LogMel {
  private readonly hann: Float64Array;
  private readonly spectrum: PowerSpectrum;
  private readonly filters: readonly MelFilter[];

  constructor(private readonly settings: LogMelSettings) {
    const { frameSize, melBins, sampleRate } = settings;
    this.hann = Float64Array.from(
      { length: frameSize },
      (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / frameSize),
    );
    this.spectrum = new PowerSpectrum(frameSize);
    this.filters = melFilters(melBins, this.spectrum.bins, sampleRate);
  }

  /** Frames of one window. */
  get frames(): number {
    return Math.floor(this.settings.windowSamples / this.settings.hop);
  }

  /**
   * `[melBins, frames]` of one window; sound that is shorter is followed by silence.
   *
   * @param samples at most `windowSamples`
   */
  extract(samples: Float32Array): Float32Array<ArrayBuffer> {
    const { hop, frameSize, melBins, windowSamples } = this.settings;
    const { frames } = this;
    const values = new Float32Array(melBins * frames).fill(Math.log10(FLOOR));
    const frame = new Float64Array(frameSize);
    const power = new Float64Array(this.spectrum.bins);
    let loudest = Math.log10(FLOOR);
    for (let index = 0; index < frames; index += 1) {
      const start = index * hop - frameSize / 2;
      // Only the last frames look into the mirror at the end, which shows what is before it.
      const isSilent = start >= samples.length && start + frameSize <= windowSamples;
      if (isSilent) continue;
      for (let at = 0; at < frameSize; at += 1) {
        frame[at] = (samples[mirrored(start + at, windowSamples)] ?? 0) * this.hann[at]!;
      }
      this.spectrum.transform(frame, power);
      for (const [bin, { firstBin, weights }] of this.filters.entries()) {
        let sum = 0;
        for (let at = 0; at < weights.length; at += 1) sum += weights[at]! * power[firstBin + at]!;
        const value = Math.log10(Math.max(FLOOR, sum));
        values[bin * frames + index] = value;
        loudest = Math.max(loudest, value);
      }
    }
    const quietest = loudest - RANGE;
    for (let at = 0; at < values.length; at += 1) values[at] = (Math.max(values[at]!, quietest) + 4) / 4;
    return values;
  }
}
