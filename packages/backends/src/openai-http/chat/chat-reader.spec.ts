import { describe, expect, it } from '@jest/globals';
import { chunks, deltasOf, read, role, says, text, usage, usageChunk } from '../testing/read-stream.js';

describe('AnswerReader reads text', () => {
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

describe('AnswerReader reads thinking', () => {
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

describe('AnswerReader reads tool calls', () => {
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
