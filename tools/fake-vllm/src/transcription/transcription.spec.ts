import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, startFakeVllm } from '../index.js';
import { eventsOf } from '../spec-client.js';

let fake: FakeVllm;

beforeEach(async () => {
  fake = await startFakeVllm();
});

afterEach(() => fake.close());

/** Silence: 8 kHz, 16 bit, mono. */
function wav(seconds: number): Blob {
  const size = seconds * 16_000;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + size, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(16_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(size, 40);
  return new Blob([head, new Uint8Array(size)]);
}

function send(fields: Record<string, string>, file: Blob | string | undefined = wav(1.5)): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (typeof file === 'string') form.append('file', file);
  else if (file !== undefined) form.append('file', file, 'speech.wav');
  return fetch(`${fake.url}/v1/audio/transcriptions`, { method: 'POST', body: form });
}

describe('transcriptions', () => {
  it.each(['json', 'text'])('are JSON for the format %s', async (response_format) => {
    const reply = await (await send({ model: 'fake-vlm', response_format })).json();
    expect(reply).toEqual({
      text: expect.stringContaining('I heard 1.5 seconds of en'),
      usage: { type: 'duration', seconds: 2 },
    });
  });

  it('tell times in verbose_json', async () => {
    const fields = { response_format: 'verbose_json', 'timestamp_granularities[]': 'word', language: 'de' };
    const reply = (await (await send(fields, wav(25))).json()) as Record<string, unknown[]>;
    expect(reply).toMatchObject({ duration: '25', language: 'de' });
    expect(reply.segments).toHaveLength(3);
    expect(reply.segments?.at(-1)).toMatchObject({ start: 20, end: 25 });
    expect(reply.words?.[0]).toMatchObject({ word: 'I', start: 0 });
  });

  it('stream chunks, usage when asked, and the end mark', async () => {
    fake.script({ match: 'names', behaviour: { tokens: ['one', ' two'] } });
    const fields = { stream: 'true', stream_include_usage: 'true', prompt: 'names' };
    const response = await send(fields);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const chunks = await eventsOf(response);
    expect(chunks.slice(0, 2).map((chunk) => chunk.choices[0].delta)).toEqual([
      { content: 'one' },
      { content: ' two' },
    ]);
    expect(chunks[0]).toMatchObject({
      id: expect.stringMatching(/^transcribe-/),
      object: 'transcription.chunk',
    });
    expect(chunks[2].choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: null });
    expect(chunks[3]).toMatchObject({ choices: [], usage: { completion_tokens: 2 } });
    expect(chunks[4]).toBe('done');
  });

  it.each([
    ['srt', { response_format: 'srt' }, undefined, 400, /response_format/],
    ['vtt', { response_format: 'vtt' }, undefined, 400, /response_format/],
    [
      'a stream of verbose_json',
      { response_format: 'verbose_json', stream: 'true' },
      undefined,
      400,
      /verbose_json/,
    ],
    ['beam search in a stream', { use_beam_search: 'true', stream: 'true' }, undefined, 400, /beam/],
    ['a language nobody speaks', { language: 'xx' }, undefined, 400, /Unsupported language/],
    ['bytes that are no audio', {}, new Blob(['hello, this is text']), 400, /Invalid or unsupported audio/],
    ['a file over 25 MB', {}, new Blob([new Uint8Array(26 * 1024 * 1024)]), 400, /Maximum file size/],
    ['a file in a text field', {}, 'speech', 422, /detail/],
    ['another model', { model: 'x' }, undefined, 404, /does not exist/],
  ])('refuse %s', async (_name, fields, file, status, message) => {
    const response = await send(fields as Record<string, string>, file);
    expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(message)]);
    expect(fake.counters).toMatchObject({ requests: 0, refused: 1 });
  });
});
