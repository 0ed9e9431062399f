import { FoveaError } from '@fovea/errors';
import type { GenerationEvent, Logprob } from '@fovea/schemas/events';
import { completeEventSchema } from '@fovea/schemas/http';
import { describe, expect, it } from '@jest/globals';
import { Candidates } from '../choices/candidates.js';
import { withClientName } from './client-names.js';
import { CompleteFrames, type CompleteOptions } from './complete-frames.js';
import { endOf, saidOf } from './said.js';

const logprob = (token: string, value: number, top: Record<string, number> = {}): Logprob => ({
  token,
  logprob: value,
  bytes: [...Buffer.from(token)],
  top: Object.entries(top).map(([text, each]) => ({ token: text, logprob: each, bytes: [] })),
});
const end: GenerationEvent = {
  type: 'generation-end',
  usage: { promptTokens: 4, completionTokens: 3 },
};
const stopped: GenerationEvent = { type: 'choice-end', index: 0, finishReason: 'length' };

function eventsOf(events: readonly GenerationEvent[], more: Partial<CompleteOptions> = {}, n = 1): unknown[] {
  const options: CompleteOptions = {
    wishes: {},
    candidates: new Candidates({ prompts: 1, n, bestOf: undefined, temperature: 0, echo: false }),
    modelVersion: '7',
    optimized: undefined,
    echoesOnly: false,
    ...more,
  };
  const frames = new CompleteFrames(options);
  const wire = events.map((event) => frames.frames(event)).join('') + frames.done;
  const lines = wire.split('\n\n').filter((line) => line !== '');
  return lines.map((line) => completeEventSchema.parse(JSON.parse(line.replace(/^data: /, ''))));
}

describe('the streamed form of /complete', () => {
  it('is chunks, a summary of each completion, and one of all; and no [DONE]', () => {
    const optimized = [{ type: 'text' as const, data: 'a' }];
    expect(eventsOf([{ type: 'text-delta', index: 0, text: ' b' }, stopped, end], { optimized })).toEqual([
      { type: 'stream_chunk', index: 0, completion: ' b' },
      { type: 'stream_summary', index: 0, model_version: '7', finish_reason: 'maximum_tokens' },
      {
        type: 'completion_summary',
        optimized_prompt: optimized,
        num_tokens_prompt_total: 4,
        num_tokens_generated: 3,
      },
    ]);
  });

  it('repeats a greedy text for each completion, and counts it so often', () => {
    const events = eventsOf([{ type: 'text-delta', index: 0, text: 'b' }, stopped, end], {}, 2);
    expect(events).toMatchObject([
      { type: 'stream_chunk', index: 0, completion: 'b' },
      { type: 'stream_chunk', index: 1, completion: 'b' },
      { type: 'stream_summary', index: 0 },
      { type: 'stream_summary', index: 1 },
      { num_tokens_prompt_total: 8, num_tokens_generated: 6 },
    ]);
  });

  it('tells of tokens with the first piece of a long text, and of tokens without text', () => {
    const wishes = { tokens: true, log_probs: 0 };
    const logprobs = [logprob('x', -1)];
    const long = 'x'.repeat(25_000);
    const events = eventsOf([{ type: 'text-delta', index: 0, text: long, logprobs }], { wishes });
    expect(events).toHaveLength(3);
    expect(events[0]).toMatchObject({ completion_tokens: ['x'], log_probs: [{ x: -1 }] });
    expect(events[1]).toMatchObject({ completion_tokens: [], log_probs: [] });
    expect(eventsOf([{ type: 'text-delta', index: 0, text: '', logprobs }], { wishes })).toHaveLength(1);
    expect(eventsOf([{ type: 'text-delta', index: 0, text: '' }])).toEqual([]);
  });

  it('has generated nothing when the prompt is all of the answer', () => {
    expect(eventsOf([end], { echoesOnly: true })[0]).toMatchObject({ num_tokens_generated: 0 });
  });

  it('breaks with the error in Pharia’s form', () => {
    const frames = new CompleteFrames({} as CompleteOptions);
    expect(frames.failure(new FoveaError('BACKEND_ERROR', { message: 'gone' }))).toBe(
      'data: {"error":"gone","code":"BACKEND_ERROR"}\n\n',
    );
  });
});

describe('an engine’s refusal', () => {
  it('names the field as the client wrote it', () => {
    const limit = { name: 'max_model_len', value: 9 };
    const refusal = new FoveaError('CONTEXT_LENGTH_EXCEEDED', { message: 'm', param: 'max_tokens', limit });
    expect(withClientName(refusal)).toMatchObject({
      code: 'CONTEXT_LENGTH_EXCEEDED',
      message: 'm',
      param: 'maximum_tokens',
      limit,
    });
    const other = new FoveaError('INVALID_REQUEST', { param: 'logit_bias' });
    expect(withClientName(other)).toBe(other);
    expect(withClientName('x')).toBe('x');
  });
});

describe('what is told of a text', () => {
  const logprobs = [logprob('a', -9999), logprob('b', -1, { b: -1, c: -0.5 })];

  it.each([
    [{}, {}],
    [{ raw_completion: true }, { raw_completion: 'ab' }],
    [{ tokens: true }, { raw_completion: 'ab', completion_tokens: ['a', 'b'] }],
    [{ log_probs: 0 }, { raw_completion: 'ab', log_probs: [{}, { b: -1 }] }],
    [{ log_probs: 2 }, { raw_completion: 'ab', log_probs: [{}, { b: -1, c: -0.5 }] }],
  ])('with %j is the completion and %j', (wishes, more) => {
    expect(saidOf('ab', logprobs, wishes)).toEqual({ completion: 'ab', ...more });
  });

  it.each([
    ['length', undefined, 'maximum_tokens'],
    ['stop', undefined, 'end_of_text'],
    ['stop', '\n', 'stop_sequence_reached'],
    ['stop', 2, 'end_of_text'],
    ['content_filter', undefined, 'end_of_text'],
  ] as const)('when it ended by %s (%s) is %s', (reason, stopReason, expected) => {
    expect(endOf(reason, stopReason)).toBe(expected);
  });
});
