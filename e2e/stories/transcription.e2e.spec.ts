import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { System } from '../support/system.js';
import { workerToml } from '../support/workers.js';

/** Silence: 16 kHz, mono, 16 bit. */
function wav(seconds: number): Buffer {
  const data = seconds * 32_000;
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + data, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(data, 40);
  return Buffer.concat([header, Buffer.alloc(data)]);
}

describe('a recording on the way through gateway, queue and engine', () => {
  let engine: FakeVllm;
  let system: System;
  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'w', tasks: ['generate', 'transcription'] });
    system = await System.start({ engineUrl: engine.url });
    const speech = workerToml('w', { multimodal: false })
      .replace('"vllm"', '"transcription"')
      .replace('supported = true', 'supported = false');
    await system.startAdapter('w', speech);
    await system.startAdapter('text', workerToml('text-only', { multimodal: false }));
    await system.untilModel('w', 'available');
  }, 60_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const fileOf = (bytes: Buffer): Blob => new Blob([new Uint8Array(bytes)]);
  async function transcribe(
    metadata: unknown,
    bytes = wav(12),
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const form = new FormData();
    form.append('audiofile', fileOf(bytes), 'a.wav');
    form.append('metadata', JSON.stringify(metadata));
    const answer = await system.fetch('/v1/transcribe', { method: 'POST', body: form });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }
  async function create(
    fields: Readonly<Record<string, string>>,
    bytes = wav(12),
  ): Promise<{ status: number; type: string | null; text: string }> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', fileOf(bytes), 'a.wav');
    const answer = await system.fetch('/v1/audio/transcriptions', { method: 'POST', body: form });
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
  }

  it('becomes text with times in Pharia’s form', async () => {
    const { status, body } = await transcribe({ model: 'w', language: 'de' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ language: 'de', num_tokens_prompt_total: 0 });
    const segments = body.segments as { start: number; end: number; text: string; tokens: number[] }[];
    expect(segments.map(({ start, end }) => [start, end])).toEqual([
      [0, 10],
      [10, 12],
    ]);
    expect(segments.map(({ text }) => text).join('')).toBe(body.transcription);
    expect(body.num_tokens_generated).toBe(segments.flatMap(({ tokens }) => tokens).length);
  });

  it.each([
    ['json', /^application\/json/, /^\{"text":".+","usage":\{"type":"duration","seconds":12\}\}$/],
    ['verbose_json', /^application\/json/, /"task":"transcribe","language":"en","duration":12,/],
    ['text', /^text\/plain/, /^\S.*\n$/],
    ['srt', /^application\/x-subrip/, /^1\n00:00:00,000 --> 00:00:10,000\n\S.*\n\n2\n/],
    ['vtt', /^text\/vtt/, /^WEBVTT\n\n00:00:00.000 --> 00:00:10.000\n\S/],
  ])('becomes %s in OpenAI’s', async (format, type, text) => {
    const answer = await create({ model: 'w', response_format: format, language: 'en', temperature: '0' });
    expect([answer.status, answer.type]).toEqual([200, expect.stringMatching(type)]);
    expect(answer.text).toMatch(text);
  });

  it.each([
    ['what is no recording', { model: 'w' }, Buffer.from('a text'), 'INVALID_AUDIO', 'file'],
    ['nothing', { model: 'w' }, Buffer.alloc(0), 'INVALID_AUDIO', 'file'],
    [
      'a language that the model does not know',
      { model: 'w', language: 'xx' },
      wav(1),
      'INVALID_REQUEST',
      'language',
    ],
    ['a model for texts', { model: 'text-only' }, wav(1), 'MISSING_CAPABILITY', 'model'],
    [
      'times of words',
      { model: 'w', 'timestamp_granularities[]': 'word' },
      wav(1),
      'MISSING_CAPABILITY',
      'timestamp_granularities[]',
    ],
  ])('is refused with %s', async (_what, fields, bytes, code, param) => {
    const answer = await create(fields as Record<string, string>, bytes);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      400,
      { error: expect.objectContaining({ code, param }), code },
    ]);
  });

  it('is refused in Pharia’s form on Pharia’s route', async () => {
    const { status, body } = await transcribe({ model: 'w', language: 'German' });
    expect([status, body]).toEqual([
      400,
      { error: expect.any(String), code: 'INVALID_REQUEST', param: 'metadata.language' },
    ]);
    const unknown = await transcribe({ model: 'nobody' });
    expect([unknown.status, unknown.body.code]).toEqual([404, 'UNKNOWN_MODEL']);
  });

  it('asks a chat model for nothing, and a speech model for no chat', async () => {
    const answer = await system.chat({ model: 'w', messages: [{ role: 'user', content: 'hi' }] });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'MISSING_CAPABILITY' });
  });

  it('of many megabytes passes through without being held, twenty at once', async () => {
    const big = wav(300);
    const answers = await Promise.all(Array.from({ length: 20 }, () => create({ model: 'w' }, big)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  }, 60_000);

  it('leaves nothing behind', () => system.untilClean(), 40_000);
});
