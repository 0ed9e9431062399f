import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import sharp from 'sharp';
import { repository } from '../support/part.js';
import { crossPicture } from '../support/pictures.js';
import { keys, System } from '../support/system.js';
import { workerToml } from '../support/workers.js';

/** The demo model as a luminous-type one: without its template, so the test writes what that would. */
const shapesToml = async (): Promise<string> =>
  (await readFile(join(repository, 'models/workers/shapes-vlm.toml'), 'utf8')).replace(
    'type = "onnx"',
    'type = "luminous"',
  );
/** A conversational model of vLLM, and one of the same engine that is for raw prompts only. */
const vlmToml = (): string =>
  `${workerToml('vlm').replace('[queue]', 'structured_output.supported_types = ["json_object"]\n[queue]')}
[queue.models."raw"]
description = "for tests"
completion_task.supported = true
`;

const before = { type: 'text', data: '<|im_start|>User:' };
const question = 'Describe the following image. Answer in 20 words or less.';
const after = { type: 'text', data: `${question}<end_of_utterance>\nAssistant:` };
type Json = Record<string, unknown>;

describe('raw prompts', () => {
  let engine: FakeVllm;
  let system: System;
  let openai: OpenAI;
  let picture: string;
  let twoPictures: string;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm', maxModelLen: 16_384 });
    system = await System.start();
    await system.startAdapter('shapes', await shapesToml());
    await system.startAdapter('vlm', vlmToml(), { ADAPTER_ENGINE_URL: engine.url });
    await system.untilModel('shapes-vlm', 'available');
    await system.untilModel('raw', 'available');
    openai = new OpenAI({ baseURL: `${system.url}/v1`, apiKey: keys.alpha, maxRetries: 0 });
    const [green, red] = await Promise.all([
      crossPicture('#22aa22', '#ffffff'),
      crossPicture('#cc2222', '#ffffff'),
    ]);
    picture = green.toString('base64');
    const both = sharp({ create: { width: 512, height: 256, channels: 3, background: '#ffffff' } })
      .composite([
        { input: green, left: 0, top: 0 },
        { input: red, left: 256, top: 0 },
      ])
      .png();
    twoPictures = (await both.toBuffer()).toString('base64');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const post = (path: string, body: Json): Promise<Response> =>
    system.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const ask = async (path: string, body: Json): Promise<Json> => {
    const response = await post(path, body);
    const answer = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${answer}`);
    return JSON.parse(answer) as Json;
  };
  /** The first completion of an answer. */
  const first = ({ completions }: Json): Json => (completions as Json[])[0] ?? {};
  const describePicture = (image: Json): Json => ({
    model: 'shapes-vlm',
    prompt: [before, { type: 'image', ...image }, after],
    maximum_tokens: 24,
  });

  it('of text and a picture are gone on from, whole and as a stream', async () => {
    const request = { ...describePicture({ data: picture }), tokens: true, log_probs: 1 };
    const whole = await ask('/complete', request);
    const { completion, completion_tokens: tokens, log_probs: logProbs, ...rest } = first(whole);
    expect(completion).toContain('green');
    const { model_version: version } = whole;
    expect(whole).toMatchObject({
      model_version: expect.stringMatching(/^\d+$/),
      num_tokens_prompt_total: expect.any(Number),
    });
    expect(rest).toMatchObject({ index: 0, raw_completion: completion, finish_reason: 'end_of_text' });
    expect((tokens as string[]).join('')).toContain('green');
    expect(logProbs).toHaveLength((tokens as string[]).length);
    expect(whole).not.toHaveProperty('optimized_prompt');

    const streamed = await (await post('/v1/complete', { ...request, stream: true })).text();
    const events = streamed
      .split('\n\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line.replace(/^data: /, '')) as Json);
    const chunks = events.filter(({ type }) => type === 'stream_chunk');
    expect(chunks.length).toBeGreaterThan(3);
    expect(chunks.map((chunk) => chunk.completion).join('')).toBe(completion);
    expect(chunks.flatMap((chunk) => chunk.completion_tokens)).toEqual(tokens);
    const { num_tokens_prompt_total: promptTokens, num_tokens_generated: generated } = whole;
    expect(events.slice(chunks.length)).toEqual([
      { type: 'stream_summary', index: 0, model_version: version, finish_reason: 'end_of_text' },
      {
        type: 'completion_summary',
        num_tokens_prompt_total: promptTokens,
        num_tokens_generated: generated,
      },
    ]);
    await system.untilClean();
  }, 120_000);

  it('have the square of the picture that was asked for, in its own pixels', async () => {
    const cropped = async (x: number): Promise<unknown> =>
      first(await ask('/complete', describePicture({ data: twoPictures, x, y: 0, size: 256 }))).completion;
    expect(await cropped(0)).toContain('green');
    expect(await cropped(256)).toContain('red');
    const response = await post('/complete', describePicture({ data: twoPictures, x: 257, y: 0, size: 256 }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: expect.stringContaining('512 × 256'),
      code: 'INVALID_REQUEST',
      param: 'prompt[1].size',
    });
  }, 120_000);

  it('are evaluated: the likeliest continuation is correct, another one is less likely', async () => {
    const prompt = [before, { type: 'image', data: picture }, after];
    const said = first(await ask('/complete', { ...describePicture({ data: picture }), maximum_tokens: 8 }));
    const evaluate = async (expected: unknown): Promise<Json> => {
      const answer = await ask('/evaluate', { model: 'shapes-vlm', prompt, completion_expected: expected });
      return answer.result as Json;
    };
    const likely = await evaluate(said.completion);
    expect(likely).toMatchObject({ correct_greedy: true, completion: said.completion, token_count: 8 });
    const unlikely = await evaluate(' Nothing of the kind');
    expect(unlikely.correct_greedy).toBe(false);
    expect(unlikely.log_perplexity_per_token).toBeGreaterThan(likely.log_perplexity_per_token as number);
  }, 120_000);

  it('may be of texts and token ids, and are told when they were tidied', async () => {
    const prompt = [
      { type: 'text', data: ' The ' },
      { type: 'text', data: 'cat ' },
    ];
    const answer = await ask('/complete', { model: 'vlm', prompt, maximum_tokens: 0, echo: true, n: 2 });
    expect(answer).toMatchObject({
      completions: [{ completion: 'The cat' }, { index: 1, completion: 'The cat' }],
      optimized_prompt: [{ type: 'text', data: 'The cat' }],
      num_tokens_prompt_total: 4,
      num_tokens_generated: 0,
    });
    const mixed = { model: 'shapes-vlm', prompt: [before, { type: 'token_ids', data: [5, 6] }] };
    expect(first(await ask('/complete', { ...mixed, maximum_tokens: 2 })).completion).toEqual(
      expect.any(String),
    );
  }, 120_000);

  it('may be longer than a job, and are answered with all that the context leaves', async () => {
    engine.script({ behaviour: { tokens: Array.from({ length: 60 }, (_, at) => ` w${at}`) } });
    const prompt = 'word '.repeat(10_000);
    const answer = await ask('/complete', { model: 'vlm', prompt });
    expect(first(answer)).toMatchObject({ finish_reason: 'end_of_text' });
    expect(answer).toMatchObject({ num_tokens_prompt_total: 10_000, num_tokens_generated: 60 });
    engine.script({ behaviour: { tokens: ['a', 'END', 'b'] } });
    const stopped = await ask('/complete', { model: 'raw', prompt: 'x', stop_sequences: ['END'] });
    expect(first(stopped)).toMatchObject({ completion: 'a', finish_reason: 'stop_sequence_reached' });
    const tooLong = await post('/complete', { model: 'vlm', prompt: 'word '.repeat(30_000) });
    expect(tooLong.status).toBe(400);
    expect(await tooLong.json()).toMatchObject({ code: 'CONTEXT_LENGTH_EXCEEDED', param: 'prompt' });
  }, 60_000);

  it('are held to JSON where the engine can', async () => {
    const answer = await ask('/complete/json', { model: 'vlm', prompt: 'An apple:', stream: true });
    const value: unknown = JSON.parse(`${first(answer).completion}`);
    expect(value).toEqual(expect.any(Object));
    const refused = await post('/complete/json', { model: 'shapes-vlm', prompt: 'An apple:' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: 'MISSING_CAPABILITY' });
  }, 60_000);

  it('point to the other route where a model is for the other kind', async () => {
    const image = await post('/complete', { ...describePicture({ data: picture }), model: 'vlm' });
    expect(await image.json()).toMatchObject({
      error: expect.stringContaining('/chat/completions'),
      code: 'MISSING_CAPABILITY',
      param: 'prompt[1].data',
    });
    const chat = await system.chat({ model: 'raw', messages: [{ role: 'user', content: 'hi' }] });
    expect(await chat.json()).toMatchObject({
      error: { code: 'MISSING_CAPABILITY', message: expect.stringContaining('/complete') },
    });
  }, 60_000);

  it('are taken from the openai client: several prompts, echo and log probabilities, the best of several', async () => {
    engine.script({ behaviour: { tokens: [' c'] } });
    const { id, choices, usage } = await openai.completions.create({
      model: 'vlm',
      prompt: ['a b', 'd'],
      echo: true,
      logprobs: 1,
    });
    expect(id).toMatch(/^cmpl-/);
    expect(choices.map(({ text }) => text)).toEqual(['a b c', 'd c']);
    expect(choices[0]?.logprobs).toMatchObject({
      tokens: ['a', ' b', ' c'],
      token_logprobs: [null, expect.any(Number), expect.any(Number)],
      text_offset: [0, 1, 3],
    });
    expect(usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 2 });

    const best = await openai.completions.create({ model: 'vlm', prompt: 'x', best_of: 4, n: 2 });
    expect(best.choices).toHaveLength(2);
    expect(engine.requests.at(-1)?.parameters).toMatchObject({ n: 4, logprobs: 0 });

    engine.script({ behaviour: { tokens: ['x', ' y'] } });
    const stream = await openai.completions.create({
      model: 'vlm',
      prompt: [1, 2],
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts: (string | undefined)[] = [];
    let total: number | undefined;
    for await (const chunk of stream) {
      texts.push(chunk.choices[0]?.text);
      total = chunk.usage?.total_tokens ?? total;
    }
    expect(texts.join('')).toBe('x y');
    expect(total).toBe(4);
    const refusal = openai.completions.create({ model: 'vlm', prompt: 'x', suffix: 'y' });
    await expect(refusal).rejects.toMatchObject({ status: 400, code: 'MISSING_CAPABILITY', param: 'suffix' });
  }, 60_000);
});
