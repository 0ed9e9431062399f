import { FoveaError } from '@fovea/errors';
import { createLogger } from '@fovea/observability';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { TranscriptionPiece } from '../../models/transcription-model.js';
import { createShimTelemetry } from '../../telemetry/shim-telemetry.js';
import { ServedModels } from '../served-models.js';
import { createShimServer } from '../shim-server.js';
import { ScriptedTranscriptionModel } from '../testing/scripted-transcription-model.js';

const common = { language: 'de', durationS: 2.5 };
const segment = {
  start: 0,
  end: 2,
  text: 'Hallo Welt',
  tokens: [1, 2],
  avgLogprob: -0.5,
  compressionRatio: 0.8,
  noSpeechProb: 0.1,
  temperature: 0.2,
  windowStart: 0,
};
const script: TranscriptionPiece[] = [
  { ...common, text: 'Hallo', tokens: 1, promptTokens: 4 },
  {
    ...common,
    text: ' Welt',
    tokens: 2,
    promptTokens: 0,
    windowEnd: { finishReason: 'stop', segments: [segment] },
  },
];
const audio = Uint8Array.of(1, 2, 3);

describe('POST /v1/audio/transcriptions', () => {
  let model: ScriptedTranscriptionModel;
  let server: FastifyInstance;
  beforeEach(() => {
    model = new ScriptedTranscriptionModel('ears', script);
    server = createShimServer({
      models: new ServedModels([model]),
      telemetry: createShimTelemetry(),
      logger: createLogger({ service: 'test', level: 'silent' }),
      version: '9.9.9',
      apiKey: undefined,
      shutdown: new AbortController().signal,
    });
  });
  afterEach(() => server.close());

  const formOf = (fields: Record<string, string>, file: Uint8Array<ArrayBuffer> | null = audio): FormData => {
    const form = new FormData();
    if (file !== null) form.set('file', new Blob([file]), 'a.wav');
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return form;
  };
  const send = async (form: FormData, headers: Record<string, string> = {}) => {
    const encoded = new Response(form);
    const payload = Buffer.from(await encoded.arrayBuffer());
    const type = encoded.headers.get('content-type') ?? '';
    const all = { ...headers, 'content-type': type };
    return server.inject({ method: 'POST', url: '/v1/audio/transcriptions', headers: all, payload });
  };
  const post = (fields: Record<string, string> = {}, file?: Uint8Array<ArrayBuffer> | null) =>
    send(formOf(fields, file));
  const eventsOf = (body: string): unknown[] =>
    body
      .split('\n\n')
      .filter((line) => line !== '')
      .map((line) => (line === 'data: [DONE]' ? 'DONE' : JSON.parse(line.replace(/^data: /, ''))));

  it.each(['json', 'text'])("gives text and duration as vLLM's %s", async (response_format) => {
    const response = await post({ model: 'ears', response_format });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ text: 'Hallo Welt', usage: { type: 'duration', seconds: 3 } });
  });

  it('gives segments as verbose_json', async () => {
    expect((await post({ response_format: 'verbose_json' })).json()).toEqual({
      duration: '2.5',
      language: 'de',
      text: 'Hallo Welt',
      words: null,
      segments: [
        {
          id: 0,
          start: 0,
          end: 2,
          seek: 0,
          temperature: 0.2,
          text: 'Hallo Welt',
          tokens: [1, 2],
          avg_logprob: -0.5,
          compression_ratio: 0.8,
          no_speech_prob: 0.1,
        },
      ],
    });
    expect(model.requests[0]?.timestamps).toBe(true);
  });

  it('hands on the file and what else matters', async () => {
    const common = { audio, timestamps: false, sampling: { temperature: 0 }, retriesDoubtful: true };
    const others = { temperature: '0.0', use_beam_search: 'false', 'timestamp_granularities[]': 'segment' };
    await post({ language: 'de', prompt: 'Vorher', max_completion_tokens: '7', hotwords: 'x', ...others });
    await post({ language: '', prompt: '' });
    expect(model.requests).toEqual([
      { ...common, prompt: 'Vorher', language: 'de', maxTokens: 7 },
      { ...common, prompt: '' },
    ]);
  });

  it('hands on how tokens are drawn; a doubtful text is written again only at temperature 0 and before it is sent', async () => {
    const numbers = { top_p: '0.9', top_k: '-1', min_p: '0.1', seed: '7', repetition_penalty: '1.1' };
    await post({ temperature: '0.5', ...numbers, frequency_penalty: '1', presence_penalty: '-1' });
    await post({ stream: 'true' });
    expect(model.requests.map(({ sampling, retriesDoubtful }) => [sampling, retriesDoubtful])).toEqual([
      [
        {
          ...{ temperature: 0.5, topP: 0.9, topK: 0, minP: 0.1, seed: 7 },
          ...{ repetitionPenalty: 1.1, frequencyPenalty: 1, presencePenalty: -1 },
        },
        false,
      ],
      [{ temperature: 0 }, false],
    ]);
  });

  it('streams chunks and [DONE]', async () => {
    const response = await send(formOf({ stream: 'true' }), { 'x-request-id': 'r' });
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const head = {
      id: 'transcribe-r',
      object: 'transcription.chunk',
      created: expect.any(Number),
      model: 'ears',
    };
    expect(eventsOf(response.body)).toEqual([
      { ...head, choices: [{ delta: { content: 'Hallo' } }] },
      { ...head, choices: [{ delta: { content: ' Welt' }, finish_reason: 'stop', stop_reason: null }] },
      'DONE',
    ]);
  });

  it('streams usage when asked for', async () => {
    const fields = { stream: 'true', stream_include_usage: 'true', stream_continuous_usage_stats: 'True' };
    const usage = (completion_tokens: number) => ({
      usage: { prompt_tokens: 4, completion_tokens, total_tokens: 4 + completion_tokens },
    });
    expect(eventsOf((await post(fields)).body)).toMatchObject([
      usage(1),
      usage(3),
      { choices: [], ...usage(3) },
      'DONE',
    ]);
  });

  it('tells of a failure in the middle of a stream', async () => {
    model.failure = new Error('secret');
    const events = eventsOf((await post({ stream: 'true' })).body);
    expect(events.slice(-2)).toMatchObject([
      { error: { code: 500, message: 'Internal server error' } },
      'DONE',
    ]);
    expect((await post()).statusCode).toBe(500);
  });

  it('tells of audio that cannot be read with a status, streaming or not', async () => {
    model.script = [];
    model.failure = new FoveaError('INVALID_AUDIO', { message: 'Invalid or unsupported audio file.' });
    for (const stream of ['true', 'false']) {
      const response = await post({ stream });
      expect(response.statusCode).toBe(400);
      expect(response.json().error).toMatchObject({
        type: 'BadRequestError',
        message: 'Invalid or unsupported audio file.',
      });
    }
  });

  it.each<[Record<string, string>, string, string]>([
    [{ response_format: 'srt' }, 'response_format', 'Currently only support response_format'],
    [{ response_format: 'verbose_json', stream: 'true' }, 'response_format', "doesn't support streaming"],
    [{ stream: 'maybe' }, 'stream', 'must be true or false'],
    [{ stream_include_usage: 'true' }, 'stream_include_usage', 'only be defined when'],
    [{ response_format: 'vtt' }, 'response_format', 'Currently only support response_format'],
    [{ temperature: '2.1' }, 'temperature', 'from 0 to 2'],
    [{ temperature: '-0.1' }, 'temperature', 'from 0 to 2'],
    [{ temperature: 'warm' }, 'temperature', 'from 0 to 2'],
    [{ top_p: '0' }, 'top_p', 'above 0'],
    [{ top_k: '1.5' }, 'top_k', 'an integer'],
    [{ min_p: '1.1' }, 'min_p', 'from 0 to 1'],
    [{ seed: '1e300' }, 'seed', 'an integer'],
    [{ frequency_penalty: '3' }, 'frequency_penalty', 'from -2 to 2'],
    [{ repetition_penalty: '0' }, 'repetition_penalty', 'above 0'],
    [{ use_beam_search: 'true' }, 'use_beam_search', 'must be false'],
    [{ max_completion_tokens: '0' }, 'max_completion_tokens', 'at least 1'],
    [{ 'timestamp_granularities[]': 'word' }, 'timestamp_granularities[]', 'only segment'],
  ])('refuses %j', async (fields, param, message) => {
    const response = await post(fields);
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({ param, message: expect.stringContaining(message) });
    expect(model.requests).toEqual([]);
  });

  it('refuses a form without a file, and a file that is a text', async () => {
    expect((await post({}, null)).json().error).toMatchObject({ code: 400, param: 'file' });
    const text = await post({ file: 'a.wav' }, null);
    expect(text.statusCode).toBe(422);
    expect(text.json()).toEqual({ detail: "Expected 'file' to be a file-like object, not 'str'." });
  });

  it('refuses large files', async () => {
    const large = await post({}, new Uint8Array(128 * 1024 * 1024 + 1));
    expect(large.statusCode).toBe(400);
    expect(large.json().error.message).toContain('Maximum file size exceeded');
    expect((await post({}, new Uint8Array(136 * 1024 * 1024))).statusCode).toBe(413);
    expect((await post({}, new Uint8Array(128 * 1024 * 1024))).statusCode).toBe(200);
  });

  it.each([
    [
      'a form that is cut off',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="file"',
    ],
    ['a form without a boundary', 'multipart/form-data', 'abc'],
    ['JSON', 'application/json', '{}'],
    ['another type', 'audio/wav', 'RIFF'],
  ])('refuses %s', async (_what, type, payload) => {
    const url = '/v1/audio/transcriptions';
    const response = await server.inject({ method: 'POST', url, headers: { 'content-type': type }, payload });
    expect(response.statusCode).toBe(400);
    expect(response.json().error.type).toBe('Bad Request');
  });

  it('is the only route that takes forms, and says what its models cannot', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const url = '/v1/chat/completions';
    const chat = await server.inject({ method: 'POST', url, headers, payload: '--x--' });
    expect(chat.json().error).toMatchObject({ code: 400, type: 'Bad Request' });
    const asked = { messages: [{ role: 'user', content: 'a' }] };
    const refused = await server.inject({ method: 'POST', url, payload: asked });
    expect(refused.json().error.message).toBe('The model does not support Chat Completions API.');
    expect((await server.inject({ url: '/v1/audio/transcriptions' })).statusCode).toBe(405);
    expect((await post({ model: 'none' })).statusCode).toBe(404);
  });
});
