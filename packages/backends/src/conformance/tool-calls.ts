import { type GenerationEvent, generationEventSchema } from '@fovea/schemas/events';
import { describe, expect, it } from '@jest/globals';
import type { ChatGeneration } from '../index.js';
import { type Suite, textOf } from './suite.js';

const tools = ['look', 'listen'].map((name) => ({
  name,
  description: `Does ${name}.`,
  parameters: { type: 'object', properties: { at: { type: 'string' } }, required: ['at'] },
}));

/** The calls of the first choice as a client puts them together. */
function callsOf(events: readonly GenerationEvent[]): { id: string; name: string; arguments: string }[] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const event of events) {
    if (event.type !== 'tool-call-delta') continue;
    const call = calls[event.call];
    if (call !== undefined) call.arguments += event.arguments;
    else calls.push({ id: event.id ?? '', name: event.name ?? '', arguments: event.arguments });
  }
  return calls;
}

export function describeToolCalls(suite: Suite): void {
  const offer = (more: Partial<ChatGeneration> = {}): Partial<ChatGeneration> => ({
    tools,
    toolChoice: 'auto',
    ...more,
  });

  describe('tool calls', () => {
    it('come one after the other, each with an id, its name and arguments that are JSON', async () => {
      const toolCalls = [
        { name: 'look', arguments: '{"at":"the sky – 😀"}' },
        { name: 'listen', arguments: '{"at":"sea"}' },
      ];
      suite.harness.script({ kind: 'answer', pieces: [], toolCalls });
      const { events, error } = await suite.run(offer());
      expect(error).toBeUndefined();
      for (const event of events) expect(generationEventSchema.parse(event)).toEqual(event);
      const calls = callsOf(events);
      expect(calls.map(({ name, arguments: text }) => [name, JSON.parse(text)])).toEqual(
        toolCalls.map(({ name, arguments: text }) => [name, JSON.parse(text)]),
      );
      expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
      for (const { id } of calls) expect(id).not.toBe('');
      expect(events).toContainEqual({ type: 'choice-end', index: 0, finishReason: 'tool_calls' });
    });

    it('are offered to the engine by name, and may be left alone', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['no need'] });
      const { events, error } = await suite.run(offer());
      expect(error).toBeUndefined();
      expect(suite.harness.lastSeen().tools).toEqual(['look', 'listen']);
      expect(textOf(events)).toBe('no need');
      expect(callsOf(events)).toEqual([]);
      expect(events).toContainEqual({ type: 'choice-end', index: 0, finishReason: 'stop' });
    });

    it('of before, and what came of them, are part of the conversation', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['blue'] });
      const { events, error } = await suite.run(
        offer({
          messages: [
            { role: 'user', content: 'which colour?' },
            {
              role: 'assistant',
              content: [],
              toolCalls: [{ id: 'call_1', name: 'look', arguments: '{"at":"sky"}' }],
            },
            { role: 'tool', content: 'blue', toolCallId: 'call_1' },
          ],
        }),
      );
      expect(error).toBeUndefined();
      expect(textOf(events)).toBe('blue');
    });
  });
}
