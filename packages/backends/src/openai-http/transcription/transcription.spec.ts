import { describe, expect, it } from '@jest/globals';
import { createFormBody } from '../transport/form-body.js';
import { readTranscription } from './read-transcription.js';

describe('readTranscription', () => {
  const segment = { id: 0, seek: 0, start: 0, end: 1.5, text: ' hi', tokens: [1, 2], avg_logprob: -0.2 };

  it('reads the form with times, whatever the duration is written as', () => {
    for (const duration of ['1.5', 1.5]) {
      expect(
        readTranscription({ duration, language: 'en', text: ' hi', segments: [segment], words: null }),
      ).toEqual([
        { type: 'text-delta', index: 0, text: ' hi' },
        {
          type: 'segment',
          index: 0,
          startS: 0,
          endS: 1.5,
          text: ' hi',
          tokenIds: [1, 2],
          avgLogprob: -0.2,
        },
        { type: 'transcription', language: 'en', durationS: 1.5 },
        { type: 'generation-end', usage: { promptTokens: 0, completionTokens: 2 } },
      ]);
    }
  });

  it('reads the form without times, and silence', () => {
    expect(readTranscription({ text: 'hi', usage: { type: 'duration', seconds: 2 } })).toMatchObject([
      { type: 'text-delta' },
      { type: 'transcription', durationS: 2 },
      { type: 'generation-end' },
    ]);
    expect(readTranscription({ text: '' })).toHaveLength(2);
  });

  it.each([
    ['no object', 'text'],
    ['no text', { segments: [] }],
    ['a segment before the beginning', { text: '', segments: [{ ...segment, start: -1 }] }],
    ['a duration that is none', { text: '', duration: 'long' }],
  ])('fails on %s', (_name, value) => {
    expect(() => readTranscription(value)).toThrow(expect.objectContaining({ code: 'BACKEND_ERROR' }));
  });
});

describe('a form with a recording', () => {
  const audio = (bytes: Buffer, byteSize = bytes.length, chunkBytes = 100_000) => ({
    mediaType: 'audio/wav',
    path: 'file',
    byteSize,
    async *chunks() {
      const memory = Buffer.alloc(chunkBytes);
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        const length = bytes.copy(memory, 0, at, at + chunkBytes);
        yield memory.subarray(0, length);
      }
    },
  });
  const read = async (body: ReturnType<typeof createFormBody>): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for await (const piece of body.pieces()) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  };

  it.each([1, 100, 100_000])(
    'is as long as it says and reads back, in chunks of %i bytes',
    async (chunkBytes) => {
      const bytes = Buffer.from(Array.from({ length: 250_003 % 50_021 }, (_, at) => at % 251));
      const body = createFormBody(
        [
          ['model', 'ü'],
          ['language', 'de'],
        ],
        {
          name: 'file',
          fileName: 'audio',
          audio: audio(bytes, bytes.length, chunkBytes),
        },
      );
      const whole = await read(body);
      expect(whole.length).toBe(body.byteLength);
      const headers = { 'content-type': body.contentType ?? '' };
      const form = await new Response(new Uint8Array(whole), { headers }).formData();
      expect([form.get('model'), form.get('language')]).toEqual(['ü', 'de']);
      const file = form.get('file');
      if (typeof file === 'string' || file === null) throw new Error('no file');
      expect(Buffer.from(await file.arrayBuffer()).equals(bytes)).toBe(true);
    },
  );

  it.each([2, 4])('fails when three bytes come instead of %i', async (byteSize) => {
    const body = createFormBody([], {
      name: 'file',
      fileName: 'audio',
      audio: audio(Buffer.from('abc'), byteSize),
    });
    await expect(read(body)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
