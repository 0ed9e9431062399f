import { Resampler } from './resampler.js';
import { audioTooLong, joinSamples, type Samples, type SoundDecoder } from './sound.js';

/** Sound of one rate from a decoder of any, bounded in length. */
export class SoundReader {
  private resampler: { readonly rate: number; readonly of: Resampler } | undefined;
  private samples = 0;
  private isAtEnd = false;

  constructor(
    private readonly decoder: SoundDecoder,
    private readonly sampleRate: number,
    private readonly maxAudioS: number,
  ) {}

  /** The next samples; undefined at the end. Throws `INVALID_AUDIO` for a file that is broken or too long. */
  async read(): Promise<Samples | undefined> {
    while (!this.isAtEnd) {
      const piece = await this.decoder.read();
      if (piece === undefined) {
        this.isAtEnd = true;
        return this.count(this.resampler?.of.flush() ?? new Float32Array());
      }
      const { sampleRate, samples } = piece;
      let before: Samples = new Float32Array();
      if (this.resampler?.rate !== sampleRate) {
        before = this.resampler?.of.flush() ?? before;
        this.resampler = { rate: sampleRate, of: new Resampler(sampleRate, this.sampleRate) };
      }
      const all = joinSamples([before, this.resampler.of.push(samples)]);
      if (all.length > 0) return this.count(all);
    }
    return undefined;
  }

  close(): void {
    this.isAtEnd = true;
    this.decoder.close();
  }

  private count(samples: Samples): Samples {
    this.samples += samples.length;
    if (this.samples > this.maxAudioS * this.sampleRate) throw audioTooLong(this.maxAudioS);
    return samples;
  }
}
