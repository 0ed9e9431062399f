import { FoveaError } from '@fovea/errors';
import type { GenerationEvent, ToolCallDelta } from '@fovea/schemas/events';
import { type ChatChunkWire, chatChunkSchema } from '@fovea/schemas/http';
import { describe, expect, it } from '@jest/globals';
import { splitText, sseFrame } from '../../http/sse-frame.js';
import { sseError } from '../../tasks/openai-error-frame.js';
import { ChatChunks } from './chat-chunks.js';

const head = { id: 'chatcmpl-1', created: 1, model: 'm' };
const run = (
  events: readonly GenerationEvent[],
  options: { choices?: number; includeUsage?: boolean; logprobs?: boolean } = {},
): ChatChunkWire[] => {
  const chunks = new ChatChunks({ head, choices: 1, includeUsage: false, logprobs: false, ...options });
  return events.flatMap((event) => [...chunks.translate(event)]);
};
const text = (value: string, index = 0): GenerationEvent => ({ type: 'text-delta', index, text: value });
const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 3, completionTokens: 2 } };
const stop = (index = 0): GenerationEvent => ({ type: 'choice-end', index, finishReason: 'stop' });

describe('chat chunks', () => {
  it('come as role, content, finish, with usage null on each of them', () => {
    const chunks = run([text('Hel'), text('lo'), stop(), end]);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'Hel' },
      { content: 'lo' },
      {},
    ]);
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([null, null, null, 'stop']);
    expect(chunks.every((chunk) => chunk.usage === null)).toBe(true);
    for (const chunk of chunks) expect(chatChunkSchema.parse(chunk)).toEqual(chunk);
  });

  it('end with a usage chunk without choices when it is asked for', () => {
    const last = run([text('x'), stop(), end], { includeUsage: true }).at(-1);
    expect(last).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    });
  });

  it('always carry content before the finish, also for reasoning, because a strict client fails without', () => {
    const chunks = run([{ type: 'reasoning-delta', index: 0, text: 'hm' }, text('x'), stop(), end]);
    for (const { choices } of chunks) {
      if (choices[0]?.finish_reason === null) expect(choices[0].delta.content).toEqual(expect.any(String));
    }
    expect(chunks[1]?.choices[0]?.delta).toEqual({ content: '', reasoning_content: 'hm' });
  });

  it('give each choice its role chunk in front and its own finish', () => {
    const chunks = run([text('b', 1), text('a', 0), stop(1), stop(0), end], { choices: 2 });
    expect(chunks.slice(0, 2).map((chunk) => chunk.choices[0]?.index)).toEqual([0, 1]);
    expect(chunks.slice(4).map((chunk) => chunk.choices[0]?.index)).toEqual([1, 0]);
  });

  it('stay far below the line limit of clients, whatever a delta holds', () => {
    const long = '"'.repeat(50_000) + '\u{1f600}'.repeat(20_000) + '\u0001'.repeat(20_000);
    const chunks = run([text(long), stop(), end]);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(long);
    for (const chunk of chunks) expect(Buffer.byteLength(sseFrame(chunk))).toBeLessThan(100 * 1024);
  });

  it('never cut a surrogate pair', () => {
    for (let pad = 0; pad < 2; pad += 1) {
      const value = 'a'.repeat(9_999 + pad) + '\u{1f600}'.repeat(3);
      for (const piece of splitText(value)) expect(() => encodeURIComponent(piece)).not.toThrow();
    }
  });

  it('show log probabilities only when asked for, once per delta', () => {
    const logprobs = [{ token: 'x', logprob: -1, bytes: [120], top: [] }];
    const delta: GenerationEvent = { type: 'text-delta', index: 0, text: 'x', logprobs };
    expect(run([delta])[1]?.choices[0]?.logprobs).toBeNull();
    expect(run([delta], { logprobs: true })[1]?.choices[0]?.logprobs).toEqual({
      content: [{ token: 'x', logprob: -1, bytes: [120], top_logprobs: [] }],
    });
  });

  it('break with the nested error, the usage so far, and nothing that looks like an end', () => {
    const frame = sseError(new FoveaError('STREAM_INTERRUPTED'), { promptTokens: 1, completionTokens: 2 });
    expect(JSON.parse(frame.slice('data: '.length))).toMatchObject({
      error: { code: 'STREAM_INTERRUPTED' },
      usage: { total_tokens: 3 },
    });
    expect(frame).not.toContain('[DONE]');
  });
});

describe('chunks of tool calls', () => {
  const call = (more: Partial<ToolCallDelta>): GenerationEvent => ({
    type: 'tool-call-delta',
    index: 0,
    call: 0,
    arguments: '',
    ...more,
  });

  it('name a call once, go on with its arguments, and end with an empty text', () => {
    const chunks = run([
      call({ id: 'call-1', name: 'f' }),
      call({ arguments: '{"a"' }),
      call({ arguments: ':1}' }),
      call({ call: 1, id: 'call-2', name: 'g', arguments: '{}' }),
      { type: 'choice-end', index: 0, finishReason: 'tool_calls' },
      end,
    ]);
    expect(chunks.slice(1).map((chunk) => chunk.choices[0]?.delta)).toEqual([
      {
        content: '',
        tool_calls: [{ index: 0, id: 'call-1', type: 'function', function: { name: 'f', arguments: '' } }],
      },
      { content: '', tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] },
      { content: '', tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
      {
        content: '',
        tool_calls: [{ index: 1, id: 'call-2', type: 'function', function: { name: 'g', arguments: '{}' } }],
      },
      { content: '' },
    ]);
    for (const chunk of chunks) expect(chatChunkSchema.parse(chunk)).toEqual(chunk);
  });

  it('stay below the line limit of clients, however long the arguments are', () => {
    const long = JSON.stringify({ a: 'ä"'.repeat(30_000) });
    const chunks = run([call({ id: 'c', name: 'f', arguments: long })]).slice(1);
    const parts = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(parts.map((part) => part.function.arguments).join('')).toBe(long);
    expect(parts.filter((part) => part.id !== undefined)).toHaveLength(1);
    for (const chunk of chunks) expect(Buffer.byteLength(sseFrame(chunk))).toBeLessThan(100 * 1024);
  });
});
