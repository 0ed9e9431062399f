import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { readSound } from '../testing/read-sound.js';
import { FfmpegDecoder, findFfmpeg } from './ffmpeg-decoder.js';
import { putIndexFirst } from './mp4-order.js';

// What needs ffmpeg; where it is not installed only its absence is tested.
const ffmpeg = await findFfmpeg('ffmpeg');
const describeWithFfmpeg = ffmpeg === undefined ? describe.skip : describe;
const tone = async (name: string) =>
  new Uint8Array(await readFile(new URL(`../testing/tones/${name}`, import.meta.url)));

describe('ffmpeg', () => {
  it('is not there when it cannot be run', async () => {
    expect(await findFfmpeg('/no/such/ffmpeg')).toBeUndefined();
    expect(await findFfmpeg('/dev/null')).toBeUndefined();
  });

  it('that cannot be started is an error of the file, not of the process', async () => {
    const options = { ffmpeg: '/no/such/ffmpeg', demuxer: 'mov', sampleRate: 16_000, maxAudioS: 1 } as const;
    await expect(new FfmpegDecoder(new Uint8Array(10), options).read()).rejects.toMatchObject({
      code: 'INVALID_AUDIO',
    });
  });
});

describe('the index of an MP4 file', () => {
  it('is put before its data, with the places moved along', async () => {
    const file = await tone('m4a.m4a');
    const type = (bytes: Uint8Array, at: number) =>
      Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    const order = (bytes: Uint8Array) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const types: string[] = [];
      for (let at = 0; at < bytes.length; at += view.getUint32(at)) types.push(type(bytes, at));
      return types.filter((name) => name === 'moov' || name === 'mdat');
    };
    expect(order(file)).toEqual(['mdat', 'moov']);
    const moved = putIndexFirst(file);
    expect(order(moved)).toEqual(['moov', 'mdat']);
    expect(putIndexFirst(moved)).toBe(moved);
    const firstPlace = (bytes: Uint8Array) => {
      const at = Buffer.from(bytes).indexOf('stco') + 12;
      return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
    };
    // The same bytes of sound are where the index says.
    const sample = (bytes: Uint8Array) => [...bytes.subarray(firstPlace(bytes), firstPlace(bytes) + 50)];
    expect(sample(moved)).toEqual(sample(file));
  });

  it.each([10, 100, 1000, 3000])('of a file that is cut off at %i is refused', async (length) => {
    const file = await tone('m4a.m4a');
    expect(() => putIndexFirst(file.slice(0, length))).toThrow(
      expect.objectContaining({ code: 'INVALID_AUDIO' }),
    );
  });
});

describeWithFfmpeg('a recording that ffmpeg decodes', () => {
  it.each(['m4a.m4a', 'aac.aac', 'vorbis.webm'])(
    'is heard, or refused where it is broken: %s',
    async (name) => {
      const whole = await tone(name);
      const samples = await readSound(whole, { ffmpeg });
      expect(samples.length).toBeGreaterThan(9_000);
      expect(samples.length).toBeLessThan(13_000);
      for (const part of [0.05, 0.3, 0.6, 0.95]) {
        const result = await readSound(whole.slice(0, Math.floor(whole.length * part)), { ffmpeg }).catch(
          (error: unknown) => error,
        );
        if (!(result instanceof Float32Array)) expect(result).toMatchObject({ code: 'INVALID_AUDIO' });
      }
      await expect(readSound(whole, { ffmpeg, maxAudioS: 0.1 })).rejects.toThrow('longer than 0.1 seconds');
    },
  );

  it('ends the program when it is closed', async () => {
    const options = { ffmpeg: ffmpeg ?? '', demuxer: 'aac', sampleRate: 16_000, maxAudioS: 60 } as const;
    const decoder = new FfmpegDecoder(await tone('aac.aac'), options);
    decoder.close();
    expect(await decoder.read()).toBeUndefined();
  });
});
