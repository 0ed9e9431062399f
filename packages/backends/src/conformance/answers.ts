import { generationEventSchema } from '@fovea/schemas/events';
import { describe, expect, it } from '@jest/globals';
import { type Suite, textOf, typesOf } from './suite.js';

export function describeAnswers(suite: Suite): void {
  describe('an answer', () => {
    it('comes as deltas, one end per choice and one end of all, each as the event schema wants it', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['Zwei', ' ', 'Wörter 😀'] });
      const { events, error } = await suite.run();
      expect(error).toBeUndefined();
      for (const event of events) expect(generationEventSchema.parse(event)).toEqual(event);
      expect(textOf(events)).toBe('Zwei Wörter 😀');
      expect(typesOf(events).slice(-2)).toEqual(['choice-end', 'generation-end']);
      expect(new Set(typesOf(events).slice(0, -2))).toEqual(new Set(['text-delta']));
      const last = events.at(-1);
      if (last?.type !== 'generation-end') throw new Error('no end');
      expect(last.usage.promptTokens).toBeGreaterThan(0);
      expect(last.usage.completionTokens).toBe(3);
    });

    it.each(['stop', 'length'] as const)('ends with the finish reason %s', async (finishReason) => {
      suite.harness.script({ kind: 'answer', pieces: ['a'], finishReason });
      expect((await suite.run()).events).toContainEqual({ type: 'choice-end', index: 0, finishReason });
    });

    it('keeps the last text when the engine sends it with the finish reason', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['a', 'b'], finishWithText: true });
      const { events } = await suite.run();
      expect(textOf(events)).toBe('ab');
      expect(typesOf(events)).toEqual(['text-delta', 'text-delta', 'choice-end', 'generation-end']);
    });

    it('may say nothing at all', async () => {
      suite.harness.script({ kind: 'answer', pieces: [] });
      expect(typesOf((await suite.run()).events)).toEqual(['choice-end', 'generation-end']);
    });

    it('has every choice asked for, each ended once, and usage of all together', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['x', 'y'] });
      const { events, error } = await suite.run({ sampling: { n: 3, maxTokens: 50 } });
      expect(error).toBeUndefined();
      expect([0, 1, 2].map((index) => textOf(events, index))).toEqual(['xy', 'xy', 'xy']);
      const ended = events.flatMap((event) => (event.type === 'choice-end' ? [event.index] : []));
      expect(ended.sort()).toEqual([0, 1, 2]);
      expect(events.at(-1)).toMatchObject({ type: 'generation-end', usage: { completionTokens: 6 } });
    });

    it('is of long text whole, too', async () => {
      const pieces = Array.from({ length: 40 }, (_, at) => `${at}:${'ä'.repeat(2000)}`);
      suite.harness.script({ kind: 'answer', pieces });
      expect(textOf((await suite.run()).events)).toBe(pieces.join(''));
    });

    it('has its thinking in front, apart from the text', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['yes'], reasoning: 'hm well' });
      const { events, error } = await suite.run();
      expect(error).toBeUndefined();
      const thoughts = events.filter((event) => event.type === 'reasoning-delta');
      expect(thoughts.map((event) => event.text).join('')).toBe('hm well');
      expect(events.slice(0, thoughts.length)).toEqual(thoughts);
      expect(textOf(events)).toBe('yes');
    });

    it('counts as it goes where the engine does, and never backwards', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['a', 'b', 'c'], reasoning: 'hm well' });
      const { events } = await suite.run();
      const counts = events.flatMap((event) =>
        'usage' in event && event.usage !== undefined ? [event.usage.completionTokens] : [],
      );
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
    });
  });
}
