import type { ResponseFormat, ToolChoice } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import type { ChatGeneration } from '../../index.js';
import { toWireParameters } from './wire-parameters.js';

describe('toWireParameters', () => {
  const options = { returnTokenIds: false };
  const request = { kind: 'chat' as const, requestId: 'r', model: 'm', messages: [], sampling: {} };

  it('always streams, asks for running usage, and names the API’s defaults', () => {
    expect(toWireParameters(request, options)).toEqual({
      model: 'm',
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      temperature: 1,
      top_p: 1,
      top_k: 0,
      min_p: 0,
      repetition_penalty: 1,
    });
  });

  it('leaves to the engine what it is told to leave', () => {
    const wire = toWireParameters(request, { ...options, samplingDefaults: { temperature: 0.2 } });
    expect(Object.keys(wire).sort()).toEqual(['model', 'stream', 'stream_options', 'temperature']);
  });

  it('writes every parameter under its wire name', () => {
    const sampling = {
      maxTokens: 5,
      temperature: 0,
      topP: 0.5,
      topK: 3,
      n: 2,
      stop: ['x'],
      frequencyPenalty: 1,
      presencePenalty: -1,
      logitBias: { '5': 1 },
      seed: 7,
      logprobs: true,
      topLogprobs: 4,
    };
    expect(toWireParameters({ ...request, sampling }, { ...options, returnTokenIds: true })).toMatchObject({
      max_tokens: 5,
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      n: 2,
      stop: ['x'],
      frequency_penalty: 1,
      presence_penalty: -1,
      logit_bias: { '5': 1 },
      seed: 7,
      logprobs: true,
      top_logprobs: 4,
      return_token_ids: true,
    });
  });

  it('lets extensions win over defaults, the client over extensions, and nobody over the stream', () => {
    const extensions = { top_k: 9, temperature: 0.1, stream: false, model: 'other' };
    expect(
      toWireParameters({ ...request, sampling: { temperature: 0.7 }, extensions }, options),
    ).toMatchObject({
      top_k: 9,
      temperature: 0.7,
      stream: true,
      model: 'm',
    });
  });

  it('turns top_p 0 off instead of sending what vLLM refuses, and drops top_logprobs without logprobs', () => {
    const wire = toWireParameters({ ...request, sampling: { topP: 0, topLogprobs: 3 } }, options);
    expect(wire).toMatchObject({ top_p: 1 });
    expect(wire).not.toHaveProperty('top_logprobs');
  });

  it('lets no extension change what is asked or how the answer is read', () => {
    const names = [
      'messages',
      'n',
      'logprobs',
      'return_token_ids',
      'cache_salt',
      'tools',
      'response_format',
      'max_completion_tokens',
      'request_id',
    ];
    const extensions = Object.fromEntries(names.map((name) => [name, 2]));
    expect(toWireParameters({ ...request, extensions }, options)).toEqual(toWireParameters(request, options));
  });

  const tool = { name: 'look', description: 'Looks.', parameters: { type: 'object' }, strict: true };

  it.each<[ToolChoice | undefined, object]>([
    [undefined, {}],
    ['none', { tool_choice: 'none' }],
    ['auto', { tool_choice: 'auto' }],
    ['required', { tool_choice: 'required' }],
    [{ name: 'look' }, { tool_choice: { type: 'function', function: { name: 'look' } } }],
  ])('writes tools in OpenAI’s form, the choice %j too', (toolChoice, expected) => {
    const chat: ChatGeneration = {
      ...request,
      tools: [tool, { name: 'bare' }],
      parallelToolCalls: false,
      ...(toolChoice === undefined ? {} : { toolChoice }),
    };
    const { tools, tool_choice, parallel_tool_calls } = toWireParameters(chat, options);
    expect(tools).toEqual([
      { type: 'function', function: tool },
      { type: 'function', function: { name: 'bare' } },
    ]);
    expect(parallel_tool_calls).toBe(false);
    expect(tool_choice === undefined ? {} : { tool_choice }).toEqual(expected);
  });

  it('says nothing of tools when there are none: vLLM would refuse it', () => {
    const wire = toWireParameters(
      { ...request, toolChoice: 'auto', parallelToolCalls: true, tools: [] },
      options,
    );
    expect(wire).toEqual(toWireParameters(request, options));
  });

  it.each<[ResponseFormat, object]>([
    [{ type: 'json_object' }, { type: 'json_object' }],
    [
      { type: 'json_schema', name: 'answer', schema: { type: 'object' }, strict: true },
      { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' }, strict: true } },
    ],
  ])('writes the response format %j in OpenAI’s form', (responseFormat, expected) => {
    expect(toWireParameters({ ...request, responseFormat }, options).response_format).toEqual(expected);
  });

  it('salts the cache, but never with nothing, which vLLM refuses', () => {
    expect(toWireParameters({ ...request, cacheSalt: 's' }, options)).toMatchObject({ cache_salt: 's' });
    expect(toWireParameters({ ...request, cacheSalt: '' }, options)).not.toHaveProperty('cache_salt');
  });
});
