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
  extensions: ['min_p', 'min_tokens', 'made_up'],
  capabilities: { tools: false, structuredOutput: [], reasoning: 'separate', tokenizer: false },
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
    const { task, ignored } = translate({ ...base, made_up: 1 });
    expect(task.extensions).toBeUndefined();
    expect(ignored).toEqual(['made_up']);
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
    [{ ...base, tools: [{}] }, 'INVALID_REQUEST', 'tools[0].type'],
    [{ ...base, response_format: { type: 'json_schema' } }, 'INVALID_REQUEST', 'response_format.json_schema'],
    [{ ...base, steering_concepts: ['_worker/x'] }, 'MISSING_CAPABILITY', 'steering_concepts'],
  ])('refuses %j with %s at %s', (value, code, param) => {
    expect(refusal(value)).toMatchObject({ code, param });
  });
});

const able: ModelPackage = {
  ...modelPackage,
  extensions: ['guided_json', 'guided_regex', 'structured_outputs', 'chat_template_kwargs.enable_thinking'],
  capabilities: { tools: true, structuredOutput: ['json_schema'], reasoning: 'separate', tokenizer: false },
};
const withAble = (more: Record<string, unknown>): TranslatedChat =>
  toChatTask(parseChatRequest({ ...base, ...more }), new Map(), able);
const refusalOfAble = (more: Record<string, unknown>): unknown => {
  try {
    withAble(more);
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
};
const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const tool = (name = 'weather', schema: unknown = parameters) => ({
  type: 'function',
  function: { name, description: 'of a city', parameters: schema, strict: true },
});
const schemaFormat = (schema: unknown) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
});

describe('tools of a chat request', () => {
  it('go in with the choice among them', () => {
    const { task } = withAble({
      tools: [tool()],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
    });
    expect(task).toMatchObject({
      tools: [{ name: 'weather', description: 'of a city', parameters, strict: true }],
      toolChoice: { name: 'weather' },
      parallelToolCalls: false,
    });
    expect(withAble({ tools: [tool()], tool_choice: 'required' }).task.toolChoice).toBe('required');
  });

  it('may be an empty list, or left out with a choice of nothing', () => {
    for (const more of [{ tools: [] }, { tool_choice: 'none' }, { tools: [], tool_choice: 'auto' }]) {
      expect(withAble(more).task).not.toHaveProperty('tools');
      expect(withAble(more).task).not.toHaveProperty('toolChoice');
    }
  });

  it('come back with the calls of the model and their results', () => {
    const call = {
      id: 'call-1',
      type: 'function',
      function: { name: 'weather', arguments: '{"city":"Ulm"}' },
    };
    const { task } = withAble({
      messages: [
        ...base.messages,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call-1', content: 'rain' },
      ],
    });
    expect(task.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [],
        toolCalls: [{ id: 'call-1', name: 'weather', arguments: '{"city":"Ulm"}' }],
      },
      { role: 'tool', content: [{ type: 'text', text: 'rain' }], plain: true, toolCallId: 'call-1' },
    ]);
  });

  it.each([
    ['a choice without tools', { tool_choice: 'required' }, 'tool_choice'],
    [
      'a choice of a function that is not there',
      { tools: [tool()], tool_choice: { type: 'function', function: { name: 'x' } } },
      'tool_choice.function.name',
    ],
    ['one name twice', { tools: [tool(), tool()] }, 'tools[1].function.name'],
    ['a name with blanks', { tools: [tool('a b')] }, 'tools[0].function.name'],
    [
      'parameters that are no schema',
      { tools: [tool('a', { type: 'thing' })] },
      'tools[0].function.parameters.type',
    ],
    [
      'calls of a user',
      {
        messages: [
          {
            role: 'user',
            content: 'x',
            tool_calls: [{ id: '1', type: 'function', function: { name: 'a', arguments: '' } }],
          },
        ],
      },
      'messages[0].tool_calls',
    ],
    [
      'arguments that are no JSON',
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: '1', type: 'function', function: { name: 'a', arguments: '{' } }],
          },
        ],
      },
      'messages[0].tool_calls[0].function.arguments',
    ],
    ['a result without its call', { messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
  ])('are refused with %s', (_name, more, param) => {
    expect(refusalOfAble(more)).toMatchObject({ code: 'INVALID_REQUEST', param });
  });

  it.each([
    [{ tools: [tool()] }, 'tools'],
    [{ messages: [{ role: 'tool', content: 'x', tool_call_id: '1' }] }, 'messages[0].role'],
    [schemaFormat(parameters), 'response_format.type'],
    [{ response_format: { type: 'json_object' } }, 'response_format.type'],
  ])('%j needs a package that offers it', (more, param) => {
    expect(refusal({ ...base, ...more })).toMatchObject({ code: 'MISSING_CAPABILITY', param });
  });
});

describe('a response format', () => {
  it('goes in with its schema; text is none', () => {
    expect(withAble(schemaFormat(parameters)).task.responseFormat).toEqual({
      type: 'json_schema',
      name: 'answer',
      schema: parameters,
      strict: true,
    });
    expect(withAble({ response_format: { type: 'text' } }).task).not.toHaveProperty('responseFormat');
  });

  it('is refused with a schema that no engine should see', () => {
    expect(refusalOfAble(schemaFormat({ $ref: 'http://example.com' }))).toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'response_format.json_schema.schema.$ref',
    });
  });
});

describe('an engine extension', () => {
  it('of the template passes by its own listed name, and only as a scalar', () => {
    const { task, ignored } = withAble({ chat_template_kwargs: { enable_thinking: false, other: [1] } });
    expect(task.extensions).toEqual({ chat_template_kwargs: { enable_thinking: false } });
    expect(ignored).toEqual(['chat_template_kwargs.other']);
    expect(refusalOfAble({ chat_template_kwargs: { enable_thinking: [true] } })).toMatchObject({
      param: 'chat_template_kwargs.enable_thinking',
    });
  });

  it.each([
    ['guided_json', { guided_json: { type: 'thing' } }, 'guided_json.type'],
    ['guided_regex', { guided_regex: '(' }, 'guided_regex'],
    ['structured_outputs', { structured_outputs: { regex: 'a{9999}{9999}' } }, 'structured_outputs.regex'],
    ['structured_outputs', { structured_outputs: { json: {}, regex: 'a' } }, 'structured_outputs'],
    ['structured_outputs', { structured_outputs: {} }, 'structured_outputs'],
  ])('that holds a constraint (%s) is checked like a response format', (_name, more, param) => {
    expect(refusalOfAble(more)).toMatchObject({ code: 'INVALID_REQUEST', param });
  });
});
