import type { GenerationEvent } from '@fovea/schemas/events';
import type { BlobRef } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import type { FormPart } from '../multipart/read-form.js';
import { parseOpenAiForm, parsePhariaForm } from './question.js';
import { readRecordingForm } from './read-recording-form.js';
import { mediaTypeOf } from './recording.js';
import { toSrt, toVtt } from './subtitles.js';
import { toTranscript } from './transcript.js';
import { toTranscribeAnswer, toTranscriptionAnswer } from './transcription-wire.js';

const audio: BlobRef = { name: 'a'.repeat(64), mediaType: 'audio/wav', byteSize: 4 };

const part = (name: string, text: string, fileName?: string): FormPart => ({
  name,
  fileName,
  mediaType: 'text/plain',
  bytes: (async function* () {
    yield Buffer.from(text);
  })(),
});

async function read(...parts: FormPart[]) {
  const stored: string[] = [];
  const all = async function* () {
    yield* parts;
  };
  const form = await readRecordingForm(all(), 'file', async (bytes) => {
    for await (const piece of bytes) stored.push(Buffer.from(piece).toString());
    return audio;
  });
  return { ...form, stored };
}

describe('the form of a recording', () => {
  it('has its fields in any order, lists among them', async () => {
    const form = await read(
      part('model', 'm'),
      part('file', 'RIFF', 'a.wav'),
      part('timestamp_granularities[]', 'segment'),
      part('timestamp_granularities[]', 'word'),
    );
    expect(form.stored).toEqual(['RIFF']);
    expect(form.fields.get('timestamp_granularities[]')).toEqual(['segment', 'word']);
  });

  it.each([
    ['no recording', [part('model', 'm')], 'file'],
    ['two recordings', [part('file', 'a'), part('file', 'b')], 'file'],
    ['a field twice', [part('model', 'm'), part('model', 'n'), part('file', 'a')], 'model'],
    ['a field that is a file', [part('model', 'm', 'm.txt'), part('file', 'a')], 'model'],
  ])('is refused with %s', async (_name, parts, param) => {
    await expect(read(...parts)).rejects.toMatchObject({ code: 'INVALID_REQUEST', param });
  });

  it('may give the JSON of its metadata a file name', async () => {
    const { fields } = await read(part('metadata', '{}', 'metadata.json'), part('file', 'a'));
    expect(fields.get('metadata')).toEqual(['{}']);
  });
});

describe('what is asked', () => {
  const form = (fields: Readonly<Record<string, string | readonly string[]>>) => ({
    audio,
    byteSize: 4,
    fields: new Map(Object.entries(fields).map(([name, value]) => [name, [value].flat()])),
  });

  it('is read from the JSON of the metadata', () => {
    const metadata = JSON.stringify({ model: 'w', language: 'de', tags: null });
    expect(parsePhariaForm(form({ metadata, extra: 'x' }))).toMatchObject({
      question: { model: 'w', language: 'de', path: 'audiofile' },
      ignored: ['extra'],
    });
  });

  it.each([
    [{}, 'metadata'],
    [{ metadata: '{' }, 'metadata'],
    [{ metadata: '7' }, 'metadata'],
    [{ metadata: '{}' }, 'metadata.model'],
    [{ metadata: '{"model":7}' }, 'metadata.model'],
    [{ metadata: '{"model":"w","language":"German"}' }, 'metadata.language'],
  ])('is refused as %j', (fields: Record<string, string>, param) => {
    expect(() => parsePhariaForm(form(fields))).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', param }),
    );
  });

  it('is read from text fields, empty ones left out', () => {
    const parsed = parseOpenAiForm(
      form({
        model: 'w',
        language: '',
        prompt: 'Fovea',
        temperature: '0.4',
        response_format: 'srt',
        stream: 'true',
      }),
    );
    expect(parsed).toEqual({
      question: { model: 'w', audio, path: 'file', prompt: 'Fovea', temperature: 0.4 },
      format: 'srt',
      ignored: ['stream'],
    });
  });

  it.each([
    [{}, 'model', 'INVALID_REQUEST'],
    [{ model: '' }, 'model', 'INVALID_REQUEST'],
    [{ model: 'w', language: 'deutsch' }, 'language', 'INVALID_REQUEST'],
    [{ model: 'w', temperature: '1.1' }, 'temperature', 'INVALID_REQUEST'],
    [{ model: 'w', temperature: 'warm' }, 'temperature', 'INVALID_REQUEST'],
    [{ model: 'w', prompt: 'x'.repeat(8193) }, 'prompt', 'INVALID_REQUEST'],
    [{ model: 'w', response_format: 'xml' }, 'response_format', 'INVALID_REQUEST'],
    [{ model: 'w', 'timestamp_granularities[]': 'line' }, 'timestamp_granularities[][0]', 'INVALID_REQUEST'],
    [{ model: 'w', 'timestamp_granularities[]': 'word' }, 'timestamp_granularities[]', 'MISSING_CAPABILITY'],
  ])('is refused as %j', (fields: Record<string, string>, param, code) => {
    expect(() => parseOpenAiForm(form(fields))).toThrow(expect.objectContaining({ code, param }));
  });
});

describe('the type of a recording', () => {
  it.each([
    ['RIFF....WAVEfmt ', 'audio/wav'],
    ['fLaC\0', 'audio/flac'],
    ['OggS\0', 'audio/ogg'],
    ['\0\0\0 ftypM4A ', 'audio/mp4'],
    ['\x1aE\xdf\xa3', 'audio/webm'],
    ['ID3\x04', 'audio/mpeg'],
    ['\xff\xfb\x90', 'audio/mpeg'],
    ['\xff\xd8\xff\xe0', 'application/octet-stream'],
    ['', 'application/octet-stream'],
  ])('of %j is %s', (bytes, type) => {
    expect(mediaTypeOf(Buffer.from(bytes, 'latin1'))).toBe(type);
  });
});

describe('the answer', () => {
  const events: GenerationEvent[] = [
    { type: 'text-delta', index: 0, text: ' Good <b>morning</b>. Bye.' },
    { type: 'segment', index: 0, startS: 0, endS: 1.5, text: ' Good <b>morning</b>.', tokenIds: [1, 2] },
    { type: 'segment', index: 1, startS: 3599.9996, endS: 3661.25, text: ' Bye -->\n\nnow', tokenIds: [3] },
    { type: 'transcription', language: 'en', durationS: 3661.3 },
  ];
  const transcript = toTranscript(events);

  it('in Pharia’s form has segments with their tokens', () => {
    expect(toTranscribeAnswer(transcript, { promptTokens: 0, completionTokens: 3 })).toEqual({
      transcription: ' Good <b>morning</b>. Bye.',
      segments: [
        { start: 0, end: 1.5, text: ' Good <b>morning</b>.', tokens: [1, 2] },
        { start: 3599.9996, end: 3661.25, text: ' Bye -->\n\nnow', tokens: [3] },
      ],
      language: 'en',
      num_tokens_prompt_total: 0,
      num_tokens_generated: 3,
    });
  });

  it('as subtitles counts the hours and keeps a cue in one piece', () => {
    expect(toSrt(transcript)).toBe(
      '1\n00:00:00,000 --> 00:00:01,500\nGood <b>morning</b>.\n\n2\n01:00:00,000 --> 01:01:01,250\nBye -> now\n\n',
    );
    expect(toVtt(transcript)).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGood &lt;b&gt;morning&lt;/b&gt;.\n\n01:00:00.000 --> 01:01:01.250\nBye -&gt; now\n\n',
    );
  });

  it('of an engine without times is one cue, of silence none', () => {
    expect(toSrt(toTranscript([{ type: 'text-delta', index: 0, text: 'hi' }]))).toBe(
      '1\n00:00:00,000 --> 00:00:00,000\nhi\n\n',
    );
    expect(toVtt(toTranscript([]))).toBe('WEBVTT\n\n');
  });

  it('is text, or JSON with the seconds that are counted', () => {
    expect(toTranscriptionAnswer(transcript, 'text')).toEqual({
      type: 'text/plain; charset=utf-8',
      body: 'Good <b>morning</b>. Bye.\n',
    });
    expect(JSON.parse(toTranscriptionAnswer(transcript, 'json').body)).toEqual({
      text: 'Good <b>morning</b>. Bye.',
      usage: { type: 'duration', seconds: 3662 },
    });
    const verbose = JSON.parse(toTranscriptionAnswer(transcript, 'verbose_json').body);
    expect(verbose).toMatchObject({ task: 'transcribe', language: 'en', duration: 3661.3 });
    expect(verbose.segments).toHaveLength(2);
  });
});
