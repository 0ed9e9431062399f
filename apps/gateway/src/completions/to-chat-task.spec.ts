import type { BlobRef } from '@fovea/schemas/jobs';
import type { ModelPackage } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { parseChatRequest, type TranslatedChat, toChatTask } from './to-chat-task.js';

const modelPackage: ModelPackage = {
  checkpoint: 'c',
  version: 1,
  tags: [],
  generatorType: 'vllm',
  models: [],
  extensions: ['min_p', 'min_tokens', 'guided_regex'],
  capabilities: { tools: false, structuredOutput: [], reasoning: 'separate' },
  waitForWorkerS: 0,
  maxModelLen: 512,
  imageProcessor: null,
};
const ref = (byte: string): BlobRef => ({ name: byte.repeat(64), mediaType: 'image/png', byteSize: 1 });
const base = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };

const translate = (value: unknown, media: ReadonlyMap<string, BlobRef> = new Map()): TranslatedChat =>
  toChatTask(parseChatRequest(value), media, modelPackage);

const refusal = (value: unknown): unknown => {
  try {
    translate(value);
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
};

describe('a chat request', () => {
  it('keeps text and images in order and turns images into blob indices', () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'image_url', image_url: { url: '' } },
      { type: 'text', text: 'b' },
      { type: 'image_url', image_url: { url: '' } },
    ];
    const media = new Map([
      ['messages[0].content[1].image_url.url', ref('a')],
      ['messages[0].content[3].image_url.url', ref('b')],
    ]);
    const { task, blobs } = translate({ model: 'm', messages: [{ role: 'user', content }] }, media);
    expect(blobs.map((blob) => blob.name[0])).toEqual(['a', 'b']);
    expect(task.messages[0]?.content).toEqual([
      { type: 'text', text: 'a' },
      { type: 'image', blob: 0, path: 'messages[0].content[1].image_url.url' },
      { type: 'text', text: 'b' },
      { type: 'image', blob: 1, path: 'messages[0].content[3].image_url.url' },
    ]);
  });

  it('takes images of the body and stored ones side by side', () => {
    const content = [
      { type: 'image_file', image_file: { file_id: 'file-1' } },
      { type: 'image_url', image_url: { url: '' } },
    ];
    const media = new Map([
      ['messages[0].content[0].image_file.file_id', ref('a')],
      ['messages[0].content[1].image_url.url', ref('b')],
    ]);
    const { task, blobs } = translate({ model: 'm', messages: [{ role: 'user', content }] }, media);
    expect(blobs).toEqual([ref('a'), ref('b')]);
    expect(task.messages[0]?.content).toEqual([
      { type: 'image', blob: 0, path: 'messages[0].content[0].image_file.file_id' },
      { type: 'image', blob: 1, path: 'messages[0].content[1].image_url.url' },
    ]);
  });

  it.each([{}, { file_id: '' }, { file_id: 7 }, 'file-1'])('refuses the stored image %j', (image) => {
    const content = [{ type: 'image_file', image_file: image }];
    expect(refusal({ model: 'm', messages: [{ role: 'user', content }] })).toMatchObject({
      code: 'INVALID_REQUEST',
      param: expect.stringMatching(/^messages\[0\]\.content\[0\]\.image_file/),
    });
  });

  it('takes the token cap under each of its three names, and refuses two different values', () => {
    for (const name of ['max_tokens', 'maximum_tokens', 'max_completion_tokens']) {
      expect(translate({ ...base, [name]: 7 }).task.sampling.maxTokens).toBe(7);
    }
    expect(translate({ ...base, max_tokens: 7, maximum_tokens: 7 }).task.sampling.maxTokens).toBe(7);
    expect(refusal({ ...base, max_tokens: 7, max_completion_tokens: 8 })).toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'max_completion_tokens',
    });
  });

  it('reads nulls as absent and zero top_p and top_k as off', () => {
    const value = {
      ...base,
      temperature: null,
      stop: null,
      tools: null,
      top_p: 0,
      top_k: 0,
      stream_options: null,
    };
    expect(translate(value).task.sampling).toEqual({});
  });

  it('passes listed extensions, names the other unknown keys, and checks the values of those it passes', () => {
    const { task, ignored } = translate({
      ...base,
      min_p: 0.1,
      min_tokens: 2,
      frobnicate: 1,
      ignore_eos: true,
    });
    expect(task.extensions).toEqual({ min_p: 0.1, min_tokens: 2 });
    expect(ignored).toEqual(['frobnicate', 'ignore_eos']);
    expect(refusal({ ...base, min_p: 'x' })).toMatchObject({ code: 'INVALID_REQUEST', param: 'min_p' });
  });

  it('drops an extension that the package lists but nobody here can check', () => {
    const { task, ignored } = translate({ ...base, guided_regex: '(a+)+$' });
    expect(task.extensions).toBeUndefined();
    expect(ignored).toEqual(['guided_regex']);
  });

  it.each([
    [{ ...base, messages: [] }, 'INVALID_REQUEST', 'messages'],
    [{ messages: base.messages }, 'INVALID_REQUEST', 'model'],
    [{ ...base, model: 7 }, 'INVALID_REQUEST', 'model'],
    [[], 'INVALID_REQUEST', undefined],
    ['text', 'INVALID_REQUEST', undefined],
    [{ ...base, messages: [{ role: 'robot', content: 'x' }] }, 'INVALID_REQUEST', 'messages[0].role'],
    [{ ...base, messages: [{ role: 'user' }] }, 'INVALID_REQUEST', 'messages[0].content'],
    [{ ...base, messages: [{ role: 'user', content: [] }] }, 'INVALID_REQUEST', 'messages[0].content'],
    [{ ...base, messages: [{ role: 'user', content: 5 }] }, 'INVALID_REQUEST', 'messages[0].content'],
    [
      { ...base, messages: [{ role: 'user', content: [{ type: 'text', text: 5 }] }] },
      'INVALID_REQUEST',
      'messages[0].content[0].text',
    ],
    [
      { ...base, messages: [{ role: 'user', content: [{ type: 'video', text: 'x' }] }] },
      'INVALID_REQUEST',
      'messages[0].content[0].type',
    ],
    [
      { ...base, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'data:' }] }] },
      'INVALID_REQUEST',
      'messages[0].content[0].image_url',
    ],
    [{ ...base, temperature: 2.1 }, 'INVALID_REQUEST', 'temperature'],
    [{ ...base, temperature: '1' }, 'INVALID_REQUEST', 'temperature'],
    [{ ...base, max_tokens: 0 }, 'INVALID_REQUEST', 'max_tokens'],
    [{ ...base, n: 17 }, 'INVALID_REQUEST', 'n'],
    [{ ...base, stop: [''] }, 'INVALID_REQUEST', 'stop[0]'],
    [{ ...base, top_logprobs: 3 }, 'INVALID_REQUEST', 'top_logprobs'],
    [{ ...base, logit_bias: { x: 1 } }, 'INVALID_REQUEST', 'logit_bias.x'],
    [{ ...base, tools: [{}] }, 'MISSING_CAPABILITY', 'tools'],
    [{ ...base, response_format: { type: 'json_schema' } }, 'MISSING_CAPABILITY', 'response_format'],
    [{ ...base, steering_concepts: ['_worker/x'] }, 'MISSING_CAPABILITY', 'steering_concepts'],
  ])('refuses %j with %s at %s', (value, code, param) => {
    expect(refusal(value)).toMatchObject({ code, param });
  });
});
