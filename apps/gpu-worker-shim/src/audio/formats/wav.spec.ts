import { describe, expect, it } from '@jest/globals';
import { joinSamples, type Samples } from '../sound.js';
import { chirp, makeWav, type WavOptions } from '../testing/make-wav.js';
import { WavDecoder } from './wav.js';

const samples = [0, 0.5, -0.5, 0.25, -0.99];

async function decode(bytes: Uint8Array) {
  const decoder = WavDecoder.open(bytes, 10);
  const pieces: Samples[] = [];
  let sampleRate = 0;
  for (let piece = await decoder.read(); piece !== undefined; piece = await decoder.read()) {
    pieces.push(piece.samples);
    sampleRate = piece.sampleRate;
  }
  return { sampleRate, samples: joinSamples(pieces) };
}

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
  ])('are read: %s', async (_what, options, within) => {
    const sound = await decode(makeWav(samples, options));
    expect(sound.sampleRate).toBe(options.sampleRate ?? 16_000);
    expect(sound.samples).toHaveLength(samples.length);
    for (const [at, value] of samples.entries())
      expect(Math.abs(sound.samples[at]! - value)).toBeLessThan(within);
  });

  it.each([0, 0x7ffff000, 0xffffffff])(
    'that were sent while they were made end with the file: %i',
    async (claimedBytes) => {
      const wav = makeWav(chirp(1000), { claimedBytes });
      expect((await decode(wav.subarray(0, 44 + 101))).samples).toHaveLength(50);
    },
  );

  it('of A-law and of µ-law are read', async () => {
    // Codes and their values by the tables of ITU-T G.711.
    const law = (kind: number, codes: number[]) => {
      const wav = makeWav(
        codes.map(() => 0),
        { bits: 8 },
      );
      new DataView(wav.buffer).setUint16(20, kind, true);
      wav.set(codes, 44);
      return wav;
    };
    const values = async (kind: number, codes: number[]) =>
      Array.from((await decode(law(kind, codes))).samples, (value) => value * 32_768);
    expect(await values(7, [0xff, 0x7f, 0x80, 0x00, 0xf0])).toEqual([0, 0, 32_124, -32_124, 120]);
    expect(await values(6, [0xd5, 0x55, 0xaa, 0x2a])).toEqual([8, -8, 32_256, -32_256]);
  });

  it('are read piece by piece', async () => {
    const wav = makeWav(chirp(150_000));
    const decoder = WavDecoder.open(wav, 60);
    const lengths = [];
    for (let piece = await decoder.read(); piece !== undefined; piece = await decoder.read())
      lengths.push(piece.samples.length);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(150_000);
    expect(lengths.length).toBeGreaterThan(1);
  });

  it('make silence of what is no number', async () => {
    const wav = makeWav([Number.NaN, Number.POSITIVE_INFINITY, 0.5], { bits: 32, isFloat: true });
    expect([...(await decode(wav)).samples]).toEqual([0, 0, 0.5]);
  });

  const patched = (at: number, value: number) => {
    const wav = makeWav(samples);
    new DataView(wav.buffer).setUint16(at, value, true);
    return wav;
  };
  it.each<[string, Uint8Array, string]>([
    ['no samples', makeWav([]), 'no sound'],
    [
      'less data than they say',
      makeWav(chirp(1000)).subarray(0, 500),
      'cut off: its data chunk has 456 of 2000 bytes',
    ],
    ['a header only', makeWav(samples).subarray(0, 20), 'cut off'],
    ['no data', makeWav(samples).subarray(0, 36), 'no data chunk'],
    ['no channels', patched(22, 0), '0 channels'],
    ['1,000 channels', patched(22, 1000), '1000 channels'],
    ['a compressed format', patched(20, 85), 'format 85'],
    ['12 bits', patched(34, 12), '12 bits'],
    ['no sample rate', patched(24, 0), '0 Hz'],
    ['more than is allowed', makeWav(chirp(20_000), { sampleRate: 1000 }), 'longer than 10 seconds'],
  ])('are refused with %s', (_what, wav, words) => {
    const refusal = { code: 'INVALID_AUDIO', param: 'file', message: expect.stringContaining(words) };
    expect(() => WavDecoder.open(wav, 10)).toThrow(expect.objectContaining(refusal));
  });
});
