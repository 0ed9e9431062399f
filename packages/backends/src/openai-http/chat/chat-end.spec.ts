import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import { describe, expect, it } from '@jest/globals';
import { isEngineGone } from '../../engine-gone.js';
import { AnswerReader } from '../answer/answer-reader.js';
import { chunks, read, role, says, stop, text, usage, usageChunk } from '../testing/read-stream.js';

describe('AnswerReader counts', () => {
  const finish = (index: number): object => ({ index, delta: {}, finish_reason: 'stop' });
  const end = (events: readonly GenerationEvent[]): unknown => {
    const last = events.at(-1);
    return last?.type === 'generation-end' ? last.usage : undefined;
  };

  it.each<[string, number, object[], object]>([
    [
      'a last chunk without choices',
      1,
      [says('a'), finish(0), usageChunk],
      { promptTokens: 10, completionTokens: 2 },
    ],
    [
      'a last chunk whose choices are null',
      1,
      [finish(0), { choices: null, usage }],
      { promptTokens: 10, completionTokens: 2 },
    ],
    [
      'a last chunk that has usage alone',
      1,
      [finish(0), { usage }],
      { promptTokens: 10, completionTokens: 2 },
    ],
    [
      'the finish chunk',
      1,
      [says('a'), { choices: [finish(0)], usage }],
      { promptTokens: 10, completionTokens: 2 },
    ],
    [
      'each chunk, per choice',
      2,
      [
        {
          choices: [{ index: 0, delta: { content: 'a' } }],
          usage: { prompt_tokens: 10, completion_tokens: 3 },
        },
        {
          choices: [{ index: 1, delta: { content: 'b' } }],
          usage: { prompt_tokens: 10, completion_tokens: 4 },
        },
        finish(0),
        finish(1),
      ],
      { promptTokens: 10, completionTokens: 7 },
    ],
    [
      'no completion tokens',
      1,
      [finish(0), { choices: [], usage: { prompt_tokens: 3, completion_tokens: null } }],
      { promptTokens: 3, completionTokens: 0 },
    ],
    [
      'usage null on every chunk but the last',
      1,
      [{ choices: [says('a')], usage: null }, finish(0), usageChunk],
      { promptTokens: 10, completionTokens: 2 },
    ],
  ])('by %s', (_name, choices, parts, expected) => {
    const { events, error } = read(chunks(...parts, '[DONE]'), choices);
    expect(error).toBeUndefined();
    expect(end(events)).toEqual(expected);
  });

  it('running totals for an answer that is cut', () => {
    const running = (completion: number): object => ({
      choices: [says('a')],
      usage: { prompt_tokens: 5, completion_tokens: completion, total_tokens: 5 + completion },
    });
    const { events } = read(chunks(running(1), running(2)));
    expect(events.at(-1)).toMatchObject({ usage: { promptTokens: 5, completionTokens: 2 } });
  });

  it('nothing as a failure', () => {
    expect(read(chunks(finish(0), '[DONE]')).error).toMatchObject({
      code: 'BACKEND_ERROR',
      detail: expect.stringContaining('usage'),
    });
  });
});

describe('AnswerReader fails', () => {
  it.each<[string, number, (object | string)[]]>([
    ['only [DONE]', 1, ['[DONE]']],
    ['no [DONE]', 1, [says('a'), stop, usageChunk]],
    ['no finish reason', 1, [says('a'), usageChunk, '[DONE]']],
    ['one finish reason for two choices', 2, [says('a'), stop, usageChunk, '[DONE]']],
    ['nothing', 1, []],
    ['text that is no JSON', 1, ['<html>']],
    ['JSON that is no object', 1, ['null']],
    ['a chunk of another shape', 1, ['{"choices":[{"index":"x"}]}']],
    ['a choice nobody asked for', 1, [{ index: 1, delta: { content: 'x' } }]],
    ['a choice that goes on after its end', 1, [stop, says('more')]],
    ['the finish reason abort', 1, [says('a', { finish_reason: 'abort' }), usageChunk, '[DONE]']],
    ['the finish reason error', 1, [says('a', { finish_reason: 'error' }), usageChunk, '[DONE]']],
  ])('on %s', (_name, choices, parts) => {
    const { error, events } = read(chunks(...parts), choices);
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', message: 'The engine failed to answer.' });
    expect(events.map((event) => event.type)).not.toContain('generation-end');
  });

  const late = { error: { message: 'Internal server error', type: 'InternalServerError', code: 500 } };
  const tooLong = "This model's maximum context length is 99 tokens.";

  it.each<[string, object]>([
    ['an error object', { error: { message: tooLong, type: 'BadRequestError', param: null, code: 400 } }],
    ['an error object after the role', { error: { message: tooLong, type: 'BadRequestError', code: '400' } }],
    ['a flat error', { object: 'error', message: tooLong, type: 'BadRequestError', code: 400 }],
    ['an error beside choices', { choices: [], error: { message: tooLong, code: 400 } }],
  ])('with the status of a leading error (%s)', (_name, error) => {
    expect(read(chunks(role, error, '[DONE]')).error).toMatchObject({
      code: 'CONTEXT_LENGTH_EXCEEDED',
      limit: { name: 'max_model_len', value: 99 },
    });
  });

  it.each<[string, object, string]>([
    ['503', { error: { message: 'queue is full', code: 503 } }, 'QUEUE_FULL'],
    ['no code', { error: 'something broke' }, 'BACKEND_ERROR'],
    ['FastAPI’s form', { detail: 'something broke' }, 'BACKEND_ERROR'],
    ['500', late, 'BACKEND_ERROR'],
  ])('on a leading error with %s', (_name, event, code) => {
    expect(read([JSON.stringify(event), '[DONE]']).error).toMatchObject({ code });
  });

  it.each<[string, object]>([
    ['500', late],
    ['400', { error: { message: tooLong, code: 400 } }],
    ['503', { error: { message: 'queue is full', code: 503 } }],
  ])('on a late error as the engine’s own, whatever its status (%s)', (status, event) => {
    const { events, error } = read(chunks(says('kept'), event, '[DONE]'));
    expect(events).toEqual([text('kept')]);
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', detail: expect.stringContaining(status) });
    expect(isEngineGone(error)).toBe(false);
  });

  it('with an engine that is gone when the error says so', () => {
    const message = 'EngineCore encountered an issue. See stack trace (above) for the root cause.';
    for (const parts of [[], [says('a')]]) {
      const { error } = read(chunks(...parts, { error: { message, code: 500 } }));
      expect(error).toMatchObject({ code: 'BACKEND_ERROR' });
      expect(isEngineGone(error)).toBe(true);
    }
  });

  it('without what the engine said in the public text', () => {
    const event = { error: { message: 'CUDA error at 0x7fffdeadbeef', code: 500 } };
    const { error } = read(chunks(says('a'), event));
    expect(error).toMatchObject({
      message: 'The engine failed to answer.',
      detail: expect.stringContaining('CUDA'),
    });
  });

  it('never after [DONE]', () => {
    expect(read([...chunks(stop, usageChunk, '[DONE]', late), '<html>']).error).toBeUndefined();
  });
});

describe('AnswerReader reads an answer that was not streamed', () => {
  const whole = (value: object, choices = 1): GenerationEvent[] =>
    new AnswerReader(choices, { imagePaths: [] }).readWhole(JSON.stringify(value));
  const message = {
    role: 'assistant',
    content: 'yes',
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    tool_calls: [],
    reasoning: 'hm',
  };
  const answer = {
    object: 'chat.completion',
    choices: [
      { index: 0, message, logprobs: null, finish_reason: 'stop', stop_reason: null, token_ids: [1, 2] },
    ],
    system_fingerprint: 'vllm-x',
    usage: { ...usage, prompt_tokens_details: null },
    prompt_logprobs: null,
  };

  it('with all its parts', () => {
    expect(whole(answer)).toEqual([
      {
        type: 'reasoning-delta',
        index: 0,
        text: 'hm',
        tokenIds: [1, 2],
        usage: { promptTokens: 10, completionTokens: 2 },
      },
      text('yes'),
      { type: 'choice-end', index: 0, finishReason: 'stop' },
      {
        type: 'generation-end',
        usage: { promptTokens: 10, completionTokens: 2 },
        systemFingerprint: 'vllm-x',
      },
    ]);
  });

  it('with several choices, whose usage is that of all together', () => {
    const choices = [0, 1].map((index) => ({ index, message, finish_reason: 'stop' }));
    expect(whole({ choices, usage }, 2).at(-1)).toMatchObject({ usage: { completionTokens: 2 } });
  });

  it('with tool calls', () => {
    const call = { id: 'functions.f:0', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    const choices = [{ message: { content: null, tool_calls: [call] }, finish_reason: 'tool_calls' }];
    expect(whole({ choices, usage }).slice(0, 2)).toMatchObject([
      { type: 'tool-call-delta', call: 0, id: 'functions.f:0', name: 'f', arguments: '{"a":1}' },
      { type: 'choice-end', finishReason: 'tool_calls' },
    ]);
  });

  it.each<[string, object, string]>([
    ['an error', { error: { message: 'At most 1 image(s) may be provided', code: 400 } }, 'INVALID_REQUEST'],
    [
      'no finish reason',
      { ...answer, choices: [{ index: 0, message, finish_reason: null }] },
      'BACKEND_ERROR',
    ],
    ['no choices', { ...answer, choices: [] }, 'BACKEND_ERROR'],
  ])('unless it has %s', (_name, value, code) => {
    try {
      whole(value);
    } catch (error) {
      expect(FoveaError.isInstance(error) && error.code).toBe(code);
      return;
    }
    throw new Error('it was read');
  });
});
