import { describe, expect, it } from '@jest/globals';
import { chirp, makeWav } from '../../../audio/testing/make-wav.js';
import type { SoundWindow } from '../../../audio/vad/speech-windows.js';
import { quietCut } from './quiet-cut.js';
import { Recording, type RecordingOptions, type Survey } from './recording.js';

const options: RecordingOptions = {
  ffmpeg: undefined,
  maxAudioS: 60,
  sampleRate: 16_000,
  windowSamples: 64_000,
  vad: undefined,
  keptSamples: 1_000_000,
};
/** Says that somebody speaks where it is loud. */
const loudness = {
  start: () => ({ memory: new Float32Array(), context: new Float32Array() }),
  hear: async (frame: Float32Array) => {
    const state = { memory: new Float32Array(), context: new Float32Array() };
    return { probability: frame.some((value) => Math.abs(value) > 0.2) ? 1 : 0, state };
  },
};

async function survey(recording: Recording): Promise<Survey> {
  for (;;) {
    const known = await recording.survey();
    if (known !== undefined) return known;
  }
}

/** Sound, silence and sound again, 10 s each. */
const parted = () => {
  const samples = chirp(480_000);
  samples.fill(0, 160_000, 320_000);
  return samples;
};

describe('a recording', () => {
  it('that fits one window is heard as a whole, silence or not', async () => {
    const recording = new Recording(makeWav(new Float32Array(64_000)), { ...options, vad: loudness });
    expect(await survey(recording)).toEqual({ samples: 64_000, windows: [[{ start: 0, end: 64_000 }]] });
  });

  it('that is longer is cut at silence', async () => {
    const recording = new Recording(makeWav(parted()), { ...options, vad: loudness });
    const { samples, windows } = await survey(recording);
    expect(samples).toBe(480_000);
    const parts = windows?.flat() ?? [];
    expect(parts.every(({ start, end }) => end <= 160_000 + 6_912 || start >= 320_000 - 6_912)).toBe(true);
    expect(parts.reduce((sum, { start, end }) => sum + end - start, 0)).toBeGreaterThan(310_000);
  });

  it.each([
    ['in memory', 1_000_000],
    ['decoded again', 1000],
  ])('gives the same windows %s', async (_how, keptSamples) => {
    const sound = parted();
    const recording = new Recording(makeWav(sound, { bits: 32, isFloat: true }), { ...options, keptSamples });
    expect((await survey(recording)).windows).toBeUndefined();
    const windows: SoundWindow[] = [
      [{ start: 10, end: 64_000 }],
      // The next one may begin before the last one has ended.
      [{ start: 50_000, end: 51_000 }],
      [
        { start: 60_000, end: 60_010 },
        { start: 400_000, end: 400_010 },
      ],
      [{ start: 479_990, end: 480_500 }],
    ];
    for (const window of windows) {
      const expected = window.flatMap(({ start, end }) => [...sound.slice(start, end)]);
      expect([...(await recording.read(window))]).toEqual(expected);
    }
    recording.close();
  });

  it('is surveyed in steps, and refused before any window is heard', async () => {
    const whole = makeWav(chirp(800_000));
    const recording = new Recording(whole, options);
    expect(await recording.survey()).toBeUndefined();
    await expect(survey(new Recording(whole, { ...options, maxAudioS: 49 }))).rejects.toThrow(
      'longer than 49 seconds',
    );
    await expect(survey(new Recording(whole.slice(0, -2), options))).rejects.toThrow('cut off');
  });
});

describe('a cut at a quiet place', () => {
  it('is in the middle of the quietest tenth of the last second', () => {
    const sound = new Float32Array(3000).fill(1);
    sound.fill(0, 2300, 2500);
    expect(quietCut(sound, 1000)).toBe(2450);
  });

  it('is as late as it may be in silence', () => {
    expect(quietCut(new Float32Array(3000), 1000)).toBe(2950);
  });
});
