import { describe, expect, it } from '@jest/globals';
import { chirp, makeWav, type WavOptions } from '../testing/make-wav.js';
import { resample } from './resample.js';
import { decodeWav, isWav } from './wav.js';
import { cutIntoWindows } from './windows.js';

const samples = [0, 0.5, -0.5, 0.25, -0.99];

describe('WAV files', () => {
  it.each<[string, WavOptions, number]>([
    ['8 bits', { bits: 8 }, 1e-2],
    ['16 bits', {}, 1e-4],
    ['24 bits', { bits: 24 }, 1e-6],
    ['32 bits', { bits: 32 }, 1e-7],
    ['floats', { bits: 32, isFloat: true }, 1e-7],
    ['doubles', { bits: 64, isFloat: true }, 1e-7],
    ['six channels', { channels: 6, sampleRate: 48_000 }, 1e-4],
    ['the extensible form', { isExtensible: true, bits: 24 }, 1e-6],
    ['a size that nobody knew when recording began', { claimedBytes: 0xffffffff }, 1e-4],
  ])('are read: %s', (_what, options, within) => {
    const sound = decodeWav(makeWav(samples, options), 10);
    expect(sound.sampleRate).toBe(options.sampleRate ?? 16_000);
    expect(sound.samples).toHaveLength(samples.length);
    for (const [at, value] of samples.entries())
      expect(Math.abs(sound.samples[at]! - value)).toBeLessThan(within);
  });

  it('are cut where they break off, and where they are too long', () => {
    const wav = makeWav(chirp(1000));
    expect(decodeWav(wav.subarray(0, 44 + 101), 10).samples).toHaveLength(50);
    expect(decodeWav(wav, 0.01).samples).toHaveLength(160);
  });

  it('make silence of what is no number', () => {
    const wav = makeWav([Number.NaN, Number.POSITIVE_INFINITY, 0.5], { bits: 32, isFloat: true });
    expect([...decodeWav(wav, 1).samples]).toEqual([0, 0, 0.5]);
  });

  const patched = (at: number, value: number) => {
    const wav = makeWav(samples);
    new DataView(wav.buffer).setUint16(at, value, true);
    return wav;
  };
  it.each<[string, Uint8Array]>([
    ['no samples', makeWav([])],
    ['half a sample', makeWav([1]).subarray(0, 45)],
    ['a header only', makeWav(samples).subarray(0, 20)],
    ['no data', makeWav(samples).subarray(0, 36)],
    ['no channels', patched(22, 0)],
    ['1,000 channels', patched(22, 1000)],
    ['a compressed format', patched(20, 85)],
    ['12 bits', patched(34, 12)],
    ['no sample rate', patched(24, 0)],
  ])('are refused with %s', (_what, wav) => {
    expect(isWav(wav)).toBe(true);
    const refusal = { code: 'INVALID_AUDIO', message: 'Invalid or unsupported audio file.', param: 'file' };
    expect(() => decodeWav(wav, 10)).toThrow(expect.objectContaining(refusal));
  });

  it('are known by their beginning', () => {
    expect(isWav(new Uint8Array())).toBe(false);
    expect(isWav(Buffer.from('ID3 and something that is no WAV'))).toBe(false);
  });
});

describe('resampling', () => {
  const tone = (rate: number, hertz: number) =>
    Float32Array.from({ length: rate }, (_, at) => Math.sin((2 * Math.PI * hertz * at) / rate));
  const loudness = (sound: Float32Array) => {
    const middle = sound.subarray(2000, sound.length - 2000);
    return Math.sqrt(middle.reduce((sum, value) => sum + value * value, 0) / middle.length);
  };

  it.each([8_000, 11_025, 22_050, 44_100, 48_000, 96_000])('keeps what can be kept from %i Hz', (rate) => {
    const own = resample(tone(rate, 1000), rate, 16_000);
    const expected = tone(16_000, 1000);
    expect(own).toHaveLength(16_000);
    const middle = Array.from(own.subarray(2000, 14_000));
    expect(Math.max(...middle.map((value, at) => Math.abs(value - expected[at + 2000]!)))).toBeLessThan(1e-3);
  });

  it('lets nothing through that would fold back', () => {
    expect(loudness(resample(tone(48_000, 12_000), 48_000, 16_000))).toBeLessThan(1e-4);
    expect(loudness(resample(tone(44_100, 9_500), 44_100, 16_000))).toBeLessThan(1e-4);
  });

  it('gives at least one sample', () => {
    expect(resample(Float32Array.of(1), 48_000, 16_000)).toHaveLength(1);
  });
});

describe('windows', () => {
  it('are one for what fits', () => {
    expect(cutIntoWindows(chirp(30), 30, 10)).toEqual([{ start: 0, end: 30 }]);
  });

  it('end at the quietest place of their last second, and lose nothing', () => {
    const sound = new Float32Array(7000).fill(1);
    sound.fill(0, 2300, 2500);
    const windows = cutIntoWindows(sound, 3000, 1000);
    expect(windows[0]).toEqual({ start: 0, end: 2450 });
    expect(windows.at(-1)?.end).toBe(7000);
    for (const [at, { start, end }] of windows.entries()) {
      expect(end - start).toBeLessThanOrEqual(3000);
      expect(start).toBe(windows[at - 1]?.end ?? 0);
    }
  });

  it('are as long as they may be in silence', () => {
    expect(cutIntoWindows(new Float32Array(10_000), 3000, 1000).length).toBeLessThanOrEqual(4);
  });
});
