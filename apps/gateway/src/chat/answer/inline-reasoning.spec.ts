import type { GenerationEvent } from '@fovea/schemas/events';
import type { StreamEntry } from '@fovea/token-stream';
import { describe, expect, it } from '@jest/globals';
import { collectEvents } from '../../tasks/begin-answer.js';
import { ChatAnswer } from './chat-answer.js';
import { withInlineReasoning } from './inline-reasoning.js';

const think = (text: string, index = 0): GenerationEvent => ({ type: 'reasoning-delta', index, text });
const say = (text: string, index = 0): GenerationEvent => ({ type: 'text-delta', index, text });
const stop = (index = 0): GenerationEvent => ({ type: 'choice-end', index, finishReason: 'stop' });
const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 1, completionTokens: 2 } };
const call: GenerationEvent = {
  type: 'tool-call-delta',
  index: 0,
  call: 0,
  id: 'c1',
  name: 'f',
  arguments: '{"a":1}',
};

async function* oneByOne(events: readonly GenerationEvent[]): AsyncGenerator<StreamEntry> {
  for (const [index, event] of events.entries()) yield { id: index + 1, events: [event] };
}

async function answerOf(events: readonly GenerationEvent[], choices = 1) {
  const answer = new ChatAnswer({ id: 'chatcmpl-1', created: 1, model: 'm' }, choices, false);
  const last = await collectEvents(withInlineReasoning(oneByOne(events)), (event) => answer.add(event));
  return answer.toWire(last).choices;
}

describe('inline reasoning', () => {
  it('stands in the content within its tags, in front of the answer', async () => {
    const [choice] = await answerOf([think('hm'), think('m'), say('a'), say('b'), stop(), end]);
    expect(choice?.message).toEqual({
      role: 'assistant',
      content: '<think>hmm</think>ab',
      tool_calls: [],
    });
  });

  it('is closed also when nothing follows, or a call does', async () => {
    expect((await answerOf([think('x'), stop(), end]))[0]?.message.content).toBe('<think>x</think>');
    const [choice] = await answerOf([think('x'), call, stop(), end]);
    expect(choice?.message).toEqual({
      role: 'assistant',
      content: '<think>x</think>',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
    });
  });

  it('of one choice leaves the others alone, and may come again', async () => {
    const choices = await answerOf(
      [think('x', 1), say('a'), say('b', 1), think('y', 1), say('c', 1), stop(), stop(1), end],
      2,
    );
    expect(choices.map(({ message }) => message.content)).toEqual([
      'a',
      '<think>x</think>b<think>y</think>c',
    ]);
  });
});
