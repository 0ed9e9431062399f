import { type GenerationEvent, generationEventSchema } from '@fovea/schemas/events';
import { expect } from '@jest/globals';
import { AnswerReader } from '../answer/answer-reader.js';

export const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
export const role = {
  index: 0,
  delta: { role: 'assistant', content: '' },
  logprobs: null,
  finish_reason: null,
};
export const says = (content: unknown, more: object = {}): object => ({
  index: 0,
  delta: { content },
  ...more,
});
export const stop = { index: 0, delta: {}, finish_reason: 'stop', stop_reason: null };
export const usageChunk = { choices: [], usage };

/** A stream of these: a choice is wrapped in a chunk, an object with choices is one, a string is sent as it is. */
export function chunks(...parts: readonly (object | string)[]): string[] {
  return parts.map((part) => {
    if (typeof part === 'string') return part;
    const isChunk = 'choices' in part || 'usage' in part || 'error' in part || 'object' in part;
    return JSON.stringify(isChunk ? part : { object: 'chat.completion.chunk', choices: [part] });
  });
}

export function read(
  stream: readonly string[],
  choices = 1,
): { events: GenerationEvent[]; error: unknown; reader: AnswerReader } {
  const reader = new AnswerReader(choices, { imagePaths: [] });
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
export function deltasOf(...parts: readonly (object | string)[]): GenerationEvent[] {
  const { events, error } = read(chunks(role, ...parts, stop, usageChunk, '[DONE]'));
  expect(error).toBeUndefined();
  expect(events.at(-2)).toEqual({ type: 'choice-end', index: 0, finishReason: 'stop' });
  expect(events.at(-1)).toEqual({
    type: 'generation-end',
    usage: { promptTokens: 10, completionTokens: 2 },
  });
  return events.slice(0, -2);
}

export const text = (words: string, more: object = {}): object => ({
  type: 'text-delta',
  index: 0,
  text: words,
  ...more,
});
