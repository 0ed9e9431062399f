import { describe, expect, it } from '@jest/globals';
import { Resampler } from './resampler.js';
import { joinSamples, type Samples } from './sound.js';

function resample(samples: Samples, from: number): Samples {
  const resampler = new Resampler(from, 16_000);
  return joinSamples([resampler.push(samples), resampler.flush()]);
}

describe('resampling', () => {
  const tone = (rate: number, hertz: number) =>
    Float32Array.from({ length: rate }, (_, at) => Math.sin((2 * Math.PI * hertz * at) / rate));
  const loudness = (sound: Float32Array) => {
    const middle = sound.subarray(2000, sound.length - 2000);
    return Math.sqrt(middle.reduce((sum, value) => sum + value * value, 0) / middle.length);
  };

  it.each([8_000, 11_025, 22_050, 44_100, 44_101, 48_000, 96_000, 383_999])(
    'keeps what can be kept from %i Hz',
    (rate) => {
      const own = resample(tone(rate, 1000), rate);
      const expected = tone(16_000, 1000);
      expect(own).toHaveLength(16_000);
      const middle = Array.from(own.subarray(2000, 14_000));
      expect(Math.max(...middle.map((value, at) => Math.abs(value - expected[at + 2000]!)))).toBeLessThan(
        1e-3,
      );
    },
  );

  it('lets nothing through that would fold back', () => {
    expect(loudness(resample(tone(48_000, 12_000), 48_000))).toBeLessThan(1e-4);
    expect(loudness(resample(tone(44_100, 9_500), 44_100))).toBeLessThan(1e-4);
  });

  it('gives the same however the stream is cut', () => {
    const sound = tone(44_100, 1000);
    const whole = resample(sound, 44_100);
    for (const size of [7, 1000, 44_099]) {
      const resampler = new Resampler(44_100, 16_000);
      const pieces: Samples[] = [];
      for (let at = 0; at < sound.length; at += size) pieces.push(resampler.push(sound.slice(at, at + size)));
      expect(joinSamples([...pieces, resampler.flush()])).toEqual(whole);
    }
  });

  it('gives nothing of nothing', () => {
    expect(new Resampler(48_000, 16_000).flush()).toHaveLength(0);
  });

  it('gives at least one sample', () => {
    expect(resample(Float32Array.of(1), 48_000)).toHaveLength(1);
  });
});
