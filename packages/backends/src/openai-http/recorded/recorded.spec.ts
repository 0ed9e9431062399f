import { readFileSync } from 'node:fs';
import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { isEngineGone } from '../../engine-gone.js';
import type { Backend, ChatGeneration } from '../../index.js';
import { createOpenAiHttpBackend } from '../../openai-http.js';
import { readMetrics } from '../load/read-metrics.js';
import { type RawEngine, response, startRawEngine } from '../testing/raw-engine.js';

/**
 * Answers as vLLM 0.32.0 gave them on a CPU, with a tiny Qwen2-VL of random weights and xgrammar; only paths of that
 * machine are changed, and the page of metrics and the answer of the engine that was killed are cut.
 */
const recorded = z
  .record(z.string(), z.object({ status: z.number(), contentType: z.string().nullable(), body: z.string() }))
  .parse(JSON.parse(readFileSync(new URL('./vllm-0.32.0.json', import.meta.url), 'utf8')));

const never = new AbortController().signal;
const request: ChatGeneration = {
  kind: 'chat' as const,
  requestId: 'r',
  model: 'tiny-vlm',
  messages: [{ role: 'user', content: 'hello' }],
  sampling: {},
};

describe('what a real vLLM answers', () => {
  let engine: RawEngine;
  let backend: Backend;
  beforeEach(async () => {
    engine = await startRawEngine();
    backend = createOpenAiHttpBackend({ baseUrl: engine.url });
  });
  afterEach(() => engine.close());

  async function replay(name: string): Promise<void> {
    const answer = recorded[name];
    if (answer === undefined) throw new Error(`${name} was not recorded`);
    const asked = await engine.next();
    await asked.body();
    asked.socket.write(response(answer.status, answer.contentType ?? '', answer.body));
  }

  async function generate(
    name: string,
    more: Partial<ChatGeneration> = {},
  ): Promise<{ events: GenerationEvent[]; error: unknown }> {
    const events: GenerationEvent[] = [];
    const replayed = replay(name);
    try {
      for await (const some of backend.generate({ ...request, ...more }, never)) events.push(...some);
      return { events, error: undefined };
    } catch (error) {
      return { events, error };
    } finally {
      await replayed;
    }
  }
  const textOf = (events: readonly GenerationEvent[], index = 0): string =>
    events.map((event) => (event.type === 'text-delta' && event.index === index ? event.text : '')).join('');
  const endsOf = (events: readonly GenerationEvent[]): unknown[] =>
    events.filter(({ type }) => type === 'choice-end' || type === 'generation-end');
  const endOf = (promptTokens: number, completionTokens: number): unknown => ({
    type: 'generation-end',
    usage: { promptTokens, completionTokens },
    systemFingerprint: expect.stringMatching(/^vllm-0\.32\.0-/),
  });
  const choiceEnd = (finishReason: string, index = 0): unknown => ({
    type: 'choice-end',
    index,
    finishReason,
  });

  it.each([
    ['text-stream', 'hello qul world', 'stop', 11, 8],
    ['length-stream', 'thellothe', 'length', 11, 3],
    ['unprintable-tokens-stream', '', 'length', 11, 8],
    ['image-stream', 'a square', 'stop', 26, 8],
    ['image-again-stream', 'a square', 'stop', 26, 8],
    ['image-file-stream', 'a square', 'stop', 26, 8],
    ['token-ids-stream', 'yes', 'stop', 11, 4],
    ['logprobs-stream', 'yes', 'stop', 11, 4],
  ])('%s', async (name, text, finishReason, promptTokens, completionTokens) => {
    const { events, error } = await generate(name);
    expect(error).toBeUndefined();
    expect(textOf(events)).toBe(text);
    expect(endsOf(events)).toEqual([choiceEnd(finishReason), endOf(promptTokens, completionTokens)]);
  });

  it('two choices, with tokens counted for each while they run', async () => {
    const { events, error } = await generate('two-choices-stream', { sampling: { n: 2 } });
    expect(error).toBeUndefined();
    expect([0, 1].map((index) => textOf(events, index))).toEqual([
      expect.stringMatching(/^(?:yes it is|no it is not)$/),
      expect.stringMatching(/^(?:yes it is|no it is not)$/),
    ]);
    const counts = events.flatMap((event) =>
      event.type === 'text-delta' ? (event.usage?.completionTokens ?? []) : [],
    );
    expect(counts).toEqual([...counts].sort((left, right) => left - right));
    expect(endsOf(events).at(-1)).toMatchObject({ usage: { completionTokens: expect.any(Number) } });
  });

  it('logprobs and token ids beside their text', async () => {
    const { events } = await generate('logprobs-stream');
    expect(events[0]).toMatchObject({ logprobs: [{ token: 'y', logprob: 0, top: [{ token: 'y' }, {}] }] });
    const ids = (await generate('token-ids-stream')).events;
    expect(ids.flatMap((event) => (event.type === 'text-delta' ? (event.tokenIds ?? []) : []))).toHaveLength(
      4,
    );
  });

  it.each([
    ['tool-named-stream', 'length'],
    ['tool-required-stream', 'tool_calls'],
  ])('calls of tools: %s', async (name, finishReason) => {
    const { events, error } = await generate(name);
    expect(error).toBeUndefined();
    const calls = events.filter(({ type }) => type === 'tool-call-delta');
    expect(calls[0]).toMatchObject({
      call: 0,
      id: expect.stringMatching(/^chatcmpl-tool-/),
      name: 'get_weather',
    });
    expect(calls.length).toBeGreaterThan(2);
    expect(endsOf(events)[0]).toEqual(choiceEnd(finishReason));
  });

  const images = (count: number): Partial<ChatGeneration> => ({
    messages: [
      {
        role: 'user',
        content: Array.from({ length: count }, (_, index) => ({
          type: 'image' as const,
          image: {
            mediaType: 'image/png',
            byteSize: 1,
            path: `messages[0].content[${index}].image_url.url`,
            chunks: async function* () {
              yield Buffer.from('x');
            },
          },
        })),
      },
    ],
  });
  const context = { code: 'CONTEXT_LENGTH_EXCEEDED', limit: { name: 'max_model_len', value: 1024 } };
  const imagePath = 'messages[0].content[0].image_url.url';
  const unreadable = { code: 'INVALID_IMAGE', param: imagePath, message: 'The image cannot be read.' };

  it.each<[string, object, number?]>([
    ['error-context-text', { ...context, param: 'messages', limit: { value: 1024, actual: 1025 } }],
    ['error-context-images', { ...context, limit: { value: 1024, actual: 1109 } }, 1],
    ['error-context-max-tokens', { ...context, param: 'max_tokens' }],
    ['error-image-damaged', unreadable, 1],
    ['error-image-no-format', unreadable, 1],
    ['error-image-base64', unreadable, 1],
    ['error-ratio', unreadable, 1],
    ['error-image-file-missing', { code: 'BACKEND_ERROR' }, 1],
    ['error-image-file-outside', { code: 'BACKEND_ERROR' }, 1],
    ['error-too-many-images', { code: 'INVALID_REQUEST', limit: { value: 2, actual: 3 } }, 3],
    ['error-unknown-model', { code: 'UNKNOWN_MODEL', param: 'model' }],
    ['error-temperature', { code: 'INVALID_REQUEST', param: 'temperature' }],
    ['error-type', { code: 'INVALID_REQUEST', param: 'temperature', message: 'The request is not valid.' }],
    [
      'error-no-messages',
      { code: 'INVALID_REQUEST', param: 'messages', message: 'The request is not valid.' },
    ],
    ['error-part-type', { code: 'INVALID_REQUEST', message: 'The request is not valid.' }],
    ['error-top-logprobs', { code: 'INVALID_REQUEST', param: 'logprobs' }],
    ['error-logit-bias', { code: 'INVALID_REQUEST', param: 'logit_bias' }],
    ['error-regex', { code: 'INVALID_REQUEST', message: expect.stringContaining('invalid regex') }],
    ['error-json-schema', { code: 'INVALID_REQUEST', message: 'Grammar error: Invalid type: nonsense' }],
    ['error-grammar', { code: 'INVALID_REQUEST' }],
    ['models-no-key', { code: 'BACKEND_ERROR' }],
    ['no-route', { code: 'BACKEND_ERROR' }],
    ['wrong-method', { code: 'BACKEND_ERROR' }],
    ['bad-json', { code: 'INVALID_REQUEST', message: 'The request is not valid.' }],
  ])('%s', async (name, expected, imageCount = 0) => {
    const { events, error } = await generate(name, imageCount > 0 ? images(imageCount) : {});
    expect(events).toEqual([]);
    expect(error).toMatchObject(expected);
    // No Python object reaches a client.
    expect(FoveaError.isInstance(error) ? error.message : '?').not.toMatch(/<\w|\{'|0x/);
  });

  it('the death of its engine, in an answer and before one', async () => {
    const broken = await generate('dead-in-stream');
    expect(textOf(broken.events)).not.toBe('');
    expect(broken.error).toMatchObject({ code: 'BACKEND_ERROR' });
    expect(isEngineGone(broken.error)).toBe(true);
    const { events, error } = await generate('dead-in-whole');
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code: 'BACKEND_ERROR' });
    expect(isEngineGone(error)).toBe(true);
  });

  it('its models, aliases and context length', async () => {
    const replayed = replay('models');
    expect(await backend.models(never)).toEqual([
      { id: 'tiny-vlm', maxModelLen: 1024 },
      { id: 'alias', maxModelLen: 1024 },
    ]);
    await replayed;
  });

  it('its load, and the tokens that its cache holds', () => {
    expect(readMetrics(recorded.metrics?.body ?? '')).toEqual({
      running: 0,
      waiting: 0,
      kvCacheUsage: 0,
      kvCacheTokens: 1_048_576,
      generatedTokens: 1_461,
      promptTokens: 254,
      startedAtS: 1_795_663_903.96,
    });
  });
});
