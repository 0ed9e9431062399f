import { describe, expect, it } from '@jest/globals';
import { chirp } from '../../../audio/testing/make-wav.js';
import { LogMel } from './log-mel.js';
import { melFilters } from './mel-filters.js';
import { PowerSpectrum } from './power-spectrum.js';

describe('the power spectrum', () => {
  it.each([400, 16, 10, 7])('of %i samples is the sum it is defined by', (size) => {
    const samples = Float64Array.from({ length: size }, (_, at) => Math.sin(at * at) + 0.3);
    const spectrum = new PowerSpectrum(size);
    const power = new Float64Array(spectrum.bins);
    spectrum.transform(samples, power);
    for (let bin = 0; bin < spectrum.bins; bin += 1) {
      const angle = (at: number) => (2 * Math.PI * bin * at) / size;
      const re = samples.reduce((sum, value, at) => sum + value * Math.cos(angle(at)), 0);
      const im = samples.reduce((sum, value, at) => sum + value * Math.sin(angle(at)), 0);
      expect(power[bin]).toBeCloseTo(re * re + im * im, 6);
    }
  });
});

describe('mel filters', () => {
  // Values of librosa.filters.mel(sr=16000, n_fft=400, n_mels=80), as openai/whisper ships them.
  it('are those of librosa', () => {
    const filters = melFilters(80, 201, 16_000);
    expect(filters[0]?.firstBin).toBe(1);
    expect(filters[0]?.weights).toHaveLength(1);
    expect(filters[0]?.weights[0]).toBeCloseTo(0.02486259, 7);
    expect(filters[1]?.firstBin).toBe(1);
    expect(filters[1]?.weights[0]).toBeCloseTo(0.00199082, 7);
    expect(filters[1]?.weights[1]).toBeCloseTo(0.02287177, 7);
  });
});

describe('log-mel features', () => {
  const settings = { sampleRate: 16_000, frameSize: 400, hop: 160, windowSamples: 64_000, melBins: 80 };

  it('are all the same in silence', () => {
    const features = new LogMel(settings).extract(new Float32Array(64_000));
    expect(features).toHaveLength(80 * 400);
    expect(new Set(features)).toEqual(new Set([-1.5]));
  });

  it('of short sound are those of the sound followed by silence', () => {
    const mel = new LogMel(settings);
    const padded = new Float32Array(64_000);
    padded.set(chirp(5000));
    expect(mel.extract(chirp(5000))).toEqual(mel.extract(padded));
    expect(mel.extract(new Float32Array())).toEqual(mel.extract(new Float32Array(64_000)));
  });
});
