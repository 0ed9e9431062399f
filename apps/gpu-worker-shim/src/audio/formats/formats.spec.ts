import { readFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readSound } from '../testing/read-sound.js';

const tone = async (name: string) =>
  new Uint8Array(await readFile(new URL(`../testing/tones/${name}`, import.meta.url)));

/** Share of the middle's energy that a tone of 440 Hz has. */
function purity(samples: Float32Array): number {
  const middle = samples.subarray(2000, samples.length - 2000);
  const along = (wave: (angle: number) => number) =>
    middle.reduce((sum, value, at) => sum + value * wave((2 * Math.PI * 440 * at) / 16_000), 0);
  const energy = middle.reduce((sum, value) => sum + value * value, 0);
  return (2 * (along(Math.sin) ** 2 + along(Math.cos) ** 2)) / (middle.length * energy);
}

/** Segments within segments, each with a size of eight bytes. */
function deepWebm(depth: number): Uint8Array {
  const bytes = Buffer.alloc(5 + 12 * depth);
  bytes.set([0x1a, 0x45, 0xdf, 0xa3, 0x80]);
  for (let level = 0; level < depth; level += 1) {
    bytes.set([0x18, 0x53, 0x80, 0x67, 0x01, 0, 0, 0], 5 + 12 * level);
    bytes.writeUInt32BE(12 * (depth - level - 1), 13 + 12 * level);
  }
  return bytes;
}

const inThisThread = ['mp3.mp3', 'flac.flac', 'flac.ogg', 'opus.ogg', 'vorbis.ogg', 'opus.webm'];

// The decoders write what they do not like to the console.
beforeEach(() => void jest.spyOn(console, 'error').mockImplementation(() => undefined));

describe('a recording', () => {
  it.each(inThisThread)('is heard: %s', async (name) => {
    const samples = await readSound(await tone(name));
    // Encoders pad a recording to whole frames.
    expect(samples.length).toBeGreaterThanOrEqual(9_600 - 400);
    expect(samples.length).toBeLessThan(9_600 + 2_400);
    expect(purity(samples)).toBeGreaterThan(0.98);
  });

  it.each(inThisThread)(
    'that is cut off is refused or heard as far as it goes, at every place: %s',
    async (name) => {
      const whole = await tone(name);
      const heard = await readSound(whole);
      for (let cut = 0; cut < 40; cut += 1) {
        const part = whole.slice(0, Math.floor((whole.length * cut) / 40));
        const result = await readSound(part).catch((error: unknown) => error);
        if (result instanceof Float32Array) expect(result.length).toBeLessThanOrEqual(heard.length);
        else expect(result).toMatchObject({ code: 'INVALID_AUDIO', param: 'file' });
      }
    },
    30_000,
  );

  it.each(inThisThread)(
    'that is broken is refused or heard: %s',
    async (name) => {
      const whole = await tone(name);
      let state = 1;
      const random = () => {
        state = (state * 48_271) % 0x7fffffff;
        return state;
      };
      for (let round = 0; round < 40; round += 1) {
        const broken = whole.slice();
        for (let byte = 0; byte < 8; byte += 1) broken[random() % broken.length] = random() & 255;
        const result = await readSound(broken).catch((error: unknown) => error);
        if (!(result instanceof Float32Array)) expect(result).toMatchObject({ code: 'INVALID_AUDIO' });
      }
    },
    30_000,
  );

  it.each([
    ['flac.flac', 'cut off'],
    ['opus.ogg', 'cut off'],
    ['opus.webm', 'cut off'],
  ])('without its last bytes is told to be cut off: %s', async (name, words) => {
    const whole = await tone(name);
    await expect(readSound(whole.slice(0, -20))).rejects.toThrow(words);
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'it is empty'],
    ['a text', Buffer.from('This is no sound. '.repeat(50)), 'none of WAV'],
    ['a picture', Buffer.from('\x89PNG\r\n\x1a\n'.padEnd(500, 'x'), 'latin1'), 'none of WAV'],
    ['zeros', new Uint8Array(5000), 'none of WAV'],
    ['Ogg without a codec', Buffer.from('OggS'.padEnd(100, '\0'), 'latin1'), 'none of WAV'],
    ['WebM of segments within segments', deepWebm(5000), 'too deep'],
    ['WebM without a track', Buffer.from('\x1a\x45\xdf\xa3\x80', 'latin1'), 'no audio track'],
    [
      'M4A without ffmpeg',
      Buffer.from('\0\0\0\x08ftyp\0\0\0\x08moov\0\0\0\x08mdat', 'latin1'),
      'needs ffmpeg',
    ],
    ['M4A without an index', Buffer.from('\0\0\0\x08ftyp\0\0\0\x08mdat', 'latin1'), 'has no index'],
  ])('is none: %s', async (_what, bytes, words) => {
    await expect(readSound(bytes)).rejects.toMatchObject({
      code: 'INVALID_AUDIO',
      message: expect.stringContaining(words),
    });
  });
});
