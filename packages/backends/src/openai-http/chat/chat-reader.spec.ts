import { FoveaError } from '@fovea/errors';
import { type GenerationEvent, generationEventSchema } from '@fovea/schemas/events';
import { describe, expect, it } from '@jest/globals';
import { isEngineGone } from '../../engine-gone.js';
import { ChatReader } from './chat-reader.js';

const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
const role = { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null };
const says = (content: unknown, more: object = {}): object => ({ index: 0, delta: { content }, ...more });
const stop = { index: 0, delta: {}, finish_reason: 'stop', stop_reason: null };
const usageChunk = { choices: [], usage };

/** A stream of these: a choice is wrapped in a chunk, an object with choices is one, a string is sent as it is. */
function chunks(...parts: readonly (object | string)[]): string[] {
  return parts.map((part) => {
    if (typeof part === 'string') return part;
    const isChunk = 'choices' in part || 'usage' in part || 'error' in part || 'object' in part;
    return JSON.stringify(isChunk ? part : { object: 'chat.completion.chunk', choices: [part] });
  });
}

function read(
  stream: readonly string[],
  choices = 1,
): { events: GenerationEvent[]; error: unknown; reader: ChatReader } {
  const reader = new ChatReader(choices, { imagePaths: [] });
  const events: GenerationEvent[] = [];
  try {
    for (const data of stream) events.push(...reader.read(data));
    reader.checkComplete();
  } catch (error) {
    return { events, error, reader };
  }
  for (const event of events) expect(generationEventSchema.parse(event)).toEqual(event);
  return { events, error: undefined, reader };
}

/** The deltas of a stream that is complete with a finish chunk, usage and [DONE]. */
function deltasOf(...parts: readonly (object | string)[]): GenerationEvent[] {
  const { events, error } = read(chunks(role, ...parts, stop, usageChunk, '[DONE]'));
  expect(error).toBeUndefined();
  expect(events.at(-2)).toEqual({ type: 'choice-end', index: 0, finishReason: 'stop' });
  expect(events.at(-1)).toEqual({
    type: 'generation-end',
    usage: { promptTokens: 10, completionTokens: 2 },
  });
  return events.slice(0, -2);
}

const text = (words: string, more: object = {}): object => ({
  type: 'text-delta',
  index: 0,
  text: words,
  ...more,
});

describe('ChatReader reads text', () => {
  it.each<[string, (object | string)[], object[]]>([
    ['role chunks that say nothing', [role, { index: 0, delta: { role: 'assistant' } }], []],
    ['deltas of several tokens', [says('one two three')], [text('one two three')]],
    [
      'empty and null deltas',
      [says(''), says(null), { index: 0, delta: null }, { index: 0 }, says('a')],
      [text('a')],
    ],
    [
      'an echo of the last message in front of the answer',
      [says('echoed'), says('!')],
      [text('echoed'), text('!')],
    ],
    [
      'a refusal, which is what the model answers',
      [says(null, { delta: { refusal: 'I will not.' } })],
      [text('I will not.')],
    ],
    ['choices without an index', [{ delta: { content: 'a' } }], [text('a')]],
    [
      'nulls wherever vLLM writes them',
      [says('a', { logprobs: null, finish_reason: null, token_ids: null, stop_reason: null })],
      [text('a')],
    ],
    ['an empty finish reason as none', [says('a', { finish_reason: '' })], [text('a')]],
    [
      'chunks with fields of their own between',
      [{ choices: [], prompt_filter_results: [] }, { usage: null }, '', ' ', says('a')],
      [text('a')],
    ],
    ['chunks with an error that is null', [{ choices: [says('a')], error: null }], [text('a')]],
  ])('from %s', (_name, parts, expected) => {
    expect(deltasOf(...parts)).toEqual(expected);
  });

  it.each<[string, object, unknown]>([
    ['null', { stop_reason: null }, undefined],
    ['a token id', { stop_reason: 128_009 }, undefined],
    ['the string that stopped it', { stop_reason: '###' }, undefined],
  ])('and ends with a stop reason of %s', (_name, more) => {
    const end = { index: 0, delta: {}, finish_reason: 'stop', ...more };
    expect(read(chunks(says('a'), end, usageChunk, '[DONE]')).error).toBeUndefined();
  });

  it('keeps the text of the finish chunk, in front of the end', () => {
    const { events } = read(chunks(says('a'), says('b', { finish_reason: 'length' }), usageChunk, '[DONE]'));
    expect(events.slice(0, 3)).toEqual([
      text('a'),
      text('b'),
      { type: 'choice-end', index: 0, finishReason: 'length' },
    ]);
  });

  it('keeps token ids and logprobs, also of tokens whose text is held back', () => {
    const logprobs = { content: [{ token: 'ä', logprob: null, bytes: null, top_logprobs: null }] };
    expect(deltasOf(says('', { token_ids: [1, 2] }), says('ä', { token_ids: [3], logprobs }))).toEqual([
      text('', { tokenIds: [1, 2] }),
      text('ä', {
        tokenIds: [3],
        logprobs: [{ token: 'ä', logprob: -9999, bytes: [0xc3, 0xa4], top: [] }],
      }),
    ]);
  });

  it.each([
    ['stop', 'stop'],
    ['eos_token', 'stop'],
    ['stop_sequence', 'stop'],
    ['length', 'length'],
    ['max_tokens', 'length'],
    ['tool_calls', 'tool_calls'],
    ['function_call', 'tool_calls'],
    ['repetition', 'content_filter'],
    ['no such reason', 'content_filter'],
    ['constructor', 'content_filter'],
  ])('and the finish reason %s as %s', (reason, finishReason) => {
    const end = { index: 0, delta: {}, finish_reason: reason };
    expect(read(chunks(end, usageChunk, '[DONE]')).events[0]).toEqual({
      type: 'choice-end',
      index: 0,
      finishReason,
    });
  });
});

describe('ChatReader reads thinking', () => {
  const thought = (words: string, more: object = {}): object => ({
    type: 'reasoning-delta',
    index: 0,
    text: words,
    ...more,
  });

  it.each<[string, object, object[]]>([
    ['reasoning', { reasoning: 'hm' }, [thought('hm')]],
    ['reasoning_content', { reasoning_content: 'hm' }, [thought('hm')]],
    ['both, one of them empty', { reasoning: '', reasoning_content: 'hm', content: '' }, [thought('hm')]],
    ['both, the same twice', { reasoning: 'hm', reasoning_content: 'hm' }, [thought('hm')]],
    ['its end beside the first text', { reasoning: '.', content: 'so' }, [thought('.'), text('so')]],
    ['nothing', { reasoning: null, reasoning_content: null, content: 'so' }, [text('so')]],
  ])('under the name %s', (_name, delta, expected) => {
    expect(deltasOf({ index: 0, delta })).toEqual(expected);
  });

  it('with its token ids, logprobs and running usage, once per chunk', () => {
    const logprobs = { content: [{ token: 'hm', logprob: -1, bytes: [104, 109], top_logprobs: [] }] };
    const choice = { index: 0, delta: { reasoning: 'hm', content: 'so' }, token_ids: [7, 8], logprobs };
    expect(deltasOf({ choices: [choice], usage: { ...usage, completion_tokens: 1 } })).toEqual([
      thought('hm', {
        tokenIds: [7, 8],
        logprobs: [{ token: 'hm', logprob: -1, bytes: [104, 109], top: [] }],
        usage: { promptTokens: 10, completionTokens: 1 },
      }),
      text('so'),
    ]);
  });
});

describe('ChatReader reads tool calls', () => {
  const first = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } };
  const calls = (...pieces: readonly object[]): object => ({ index: 0, delta: { tool_calls: pieces } });
  const ends = (reason: string): object => ({ index: 0, delta: {}, finish_reason: reason });

  it('after the text in front of them, with token ids and running usage on the first piece of a chunk', () => {
    const second = { index: 1, id: 'b', function: { name: 'g', arguments: '{}' } };
    const delta = { content: 'let me see', tool_calls: [first, second] };
    const chunk = { choices: [{ index: 0, delta, token_ids: [1] }], usage };
    const { events } = read(
      chunks(
        chunk,
        calls({ index: 0, function: { arguments: '{}' } }),
        ends('tool_calls'),
        usageChunk,
        '[DONE]',
      ),
    );
    expect(events.slice(0, -1)).toEqual([
      text('let me see', { tokenIds: [1], usage: { promptTokens: 10, completionTokens: 2 } }),
      { type: 'tool-call-delta', index: 0, call: 0, id: 'a', name: 'f', arguments: '' },
      { type: 'tool-call-delta', index: 0, call: 1, id: 'b', name: 'g', arguments: '{}' },
      expect.objectContaining({ type: 'tool-call-delta', index: 0, call: 0, arguments: '{}' }),
      { type: 'choice-end', index: 0, finishReason: 'tool_calls' },
    ]);
  });

  it('in the finish chunk, and with the finish reason stop of a named function', () => {
    const { events } = read(chunks({ ...calls(first), finish_reason: 'stop' }, usageChunk, '[DONE]'));
    expect(events.map((event) => event.type)).toEqual([
      'tool-call-delta',
      'tool-call-delta',
      'choice-end',
      'generation-end',
    ]);
    expect(events[1]).toMatchObject({ arguments: '{}' });
  });

  it('apart for each choice', () => {
    const of = (index: number): object => ({
      index,
      delta: { tool_calls: [{ ...first, id: `call-${index}` }] },
    });
    const { events } = read(chunks(of(0), of(1)), 2);
    expect(events).toMatchObject([
      { index: 0, call: 0, id: 'call-0' },
      { index: 1, call: 0, id: 'call-1' },
    ]);
  });

  it('of the form before there were tools', () => {
    const legacy = (fields: object): object => ({ index: 0, delta: { function_call: fields } });
    const parts = [legacy({ name: 'f', arguments: '{"a"' }), legacy({ arguments: ':1}' })];
    expect(deltasOf(...parts)).toMatchObject([
      { call: 0, id: expect.stringMatching(/^call_/), name: 'f', arguments: '{"a"' },
      { call: 0, arguments: ':1}' },
    ]);
  });

  it('cut by the token limit as they are, and without a name as a failure', () => {
    const nameless = calls({ index: 0, id: 'a' });
    const cut = read(chunks(calls(first), ends('length'), usageChunk, '[DONE]'));
    expect(cut.events.filter((event) => event.type === 'tool-call-delta')).toHaveLength(1);
    expect(read(chunks(nameless, ends('length'), usageChunk, '[DONE]')).error).toBeUndefined();
    expect(read(chunks(nameless, ends('tool_calls'), usageChunk, '[DONE]')).error).toMatchObject({
      code: 'BACKEND_ERROR',
    });
  });
});

describe('ChatReader counts', () => {
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

describe('ChatReader fails', () => {
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

describe('ChatReader reads an answer that was not streamed', () => {
  const whole = (value: object, choices = 1): GenerationEvent[] =>
    new ChatReader(choices, { imagePaths: [] }).readWhole(JSON.stringify(value));
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
