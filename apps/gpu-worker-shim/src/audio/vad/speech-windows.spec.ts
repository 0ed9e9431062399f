import { describe, expect, it } from '@jest/globals';
import { cutAtSilence, findSpeech, placeInRecording } from './speech-windows.js';

// Frames of a tenth of a second.
const FRAME = 10;
const RATE = 100;
/** Probabilities from stretches of `[probability, seconds]`. */
const times = (...stretches: [number, number][]) => {
  const probabilities = stretches.flatMap(([value, seconds]) => new Array<number>(seconds * 10).fill(value));
  return { probabilities, frame: FRAME, sampleRate: RATE, samples: probabilities.length * FRAME };
};

describe('speech', () => {
  it('is found between silences, a little longer than it is', () => {
    expect(findSpeech(times([0, 2], [0.9, 3], [0, 4], [0.9, 1], [0, 1]))).toEqual([
      { start: 160, end: 540 },
      { start: 860, end: 1040 },
    ]);
  });

  it('goes on over a short silence and over a doubt, and is none when it is a click', () => {
    expect(findSpeech(times([0.9, 1], [0.1, 1], [0.9, 1], [0.4, 5], [0.9, 1]))).toEqual([
      { start: 0, end: 900 },
    ]);
    expect(findSpeech(times([0, 2], [0.9, 0.2], [0, 3]))).toEqual([]);
  });

  it('is heard in windows that leave silence out and lose no speech', () => {
    const windows = cutAtSilence(times([0, 5], [0.9, 3], [0, 5], [0.9, 3], [0, 20], [0.9, 8], [0, 3]), 1000);
    expect(windows).toEqual([
      [
        { start: 460, end: 840 },
        { start: 1260, end: 1640 },
      ],
      [{ start: 3560, end: 4440 }],
    ]);
  });

  it('that is longer than a window is cut where it is least likely', () => {
    const windows = cutAtSilence(times([0.9, 7], [0.6, 1], [0.9, 12]), 1000);
    expect(windows[0]).toEqual([{ start: 0, end: 795 }]);
    const flat = windows.flat();
    for (const [at, { start, end }] of flat.entries()) {
      expect(end - start).toBeLessThanOrEqual(1000);
      expect(start).toBe(flat[at - 1]?.end ?? 0);
    }
    expect(flat.at(-1)?.end).toBe(2000);
  });

  it('is none in silence', () => {
    expect(cutAtSilence(times([0, 100]), 1000)).toEqual([]);
  });

  it('keeps its times', () => {
    const window = [
      { start: 100, end: 200 },
      { start: 500, end: 600 },
    ];
    expect([0, 99, 100, 150, 199].map((at) => placeInRecording(window, at, false))).toEqual([
      100, 199, 500, 550, 599,
    ]);
    expect([100, 200, 999].map((at) => placeInRecording(window, at, true))).toEqual([200, 600, 600]);
  });
});
