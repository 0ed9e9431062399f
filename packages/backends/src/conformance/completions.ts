import type { Logprob } from '@fovea/schemas/events';
import { generationEventSchema } from '@fovea/schemas/events';
import { describe, expect, it } from '@jest/globals';
import type { CompletionGeneration, EnginePromptItem } from '../index.js';
import { type Collected, collect, neverAborted, type Suite, textOf, typesOf } from './suite.js';

const text = (words: string): readonly EnginePromptItem[] => [{ type: 'text', text: words }];

const logprobsOf = ({ events }: Collected): Logprob[] =>
  events.flatMap((event) => (event.type === 'text-delta' ? (event.logprobs ?? []) : []));

export function describeCompletions(suite: Suite): void {
  const run = (more: Partial<CompletionGeneration> = {}): Promise<Collected> => {
    const { backend, model, maxModelLen } = suite.harness;
    const request: CompletionGeneration = {
      kind: 'completion',
      requestId: '01920000-0000-7000-8000-000000000009',
      model,
      prompts: [text('once upon a time')],
      sampling: { maxTokens: 50 },
      contextTokens: maxModelLen,
      ...more,
    };
    return collect(backend.generate(request, neverAborted));
  };

  describe('what goes on from a raw prompt', () => {
    it('comes as an answer to a chat does', async () => {
      suite.harness.script({ kind: 'answer', pieces: [' there', ' was 😀'] });
      const { events, error } = await run();
      expect(error).toBeUndefined();
      for (const event of events) expect(generationEventSchema.parse(event)).toEqual(event);
      expect(textOf(events)).toBe(' there was 😀');
      expect(typesOf(events).slice(-2)).toEqual(['choice-end', 'generation-end']);
      expect(events.at(-1)).toMatchObject({ usage: { completionTokens: 2 } });
    });

    it('takes token ids', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['x'] });
      const { events, error } = await run({ prompts: [[{ type: 'token-ids', tokenIds: [5, 6, 7] }]] });
      expect(error).toBeUndefined();
      expect(events.at(-1)).toMatchObject({ usage: { promptTokens: 3 } });
    });

    it('is numbered prompt by prompt', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['x', 'y'] });
      const prompts = [text('one'), text('two')];
      const { events, error } = await run({ prompts, echo: true, sampling: { n: 2, maxTokens: 9 } });
      expect(error).toBeUndefined();
      expect([0, 1, 2, 3].map((index) => textOf(events, index))).toEqual([
        'onexy',
        'onexy',
        'twoxy',
        'twoxy',
      ]);
    });

    it('may take all that is left of the context', async () => {
      const pieces = Array.from({ length: 40 }, (_, at) => `${at} `);
      suite.harness.script({ kind: 'answer', pieces });
      expect(textOf((await run({ sampling: {} })).events)).toBe(pieces.join(''));
      suite.harness.script({ kind: 'answer', pieces });
      const bounded = await run({ sampling: {}, maximumTokens: 20 });
      expect(textOf(bounded.events)).toBe(pieces.slice(0, 20).join(''));
      expect(bounded.events).toContainEqual({ type: 'choice-end', index: 0, finishReason: 'length' });
    });

    it('names the text that ended it', async () => {
      suite.harness.script({ kind: 'answer', pieces: ['a', 'END', 'b'] });
      const { events } = await run({ sampling: { maxTokens: 9, stop: ['END'] } });
      expect(textOf(events)).toBe('a');
      const end = { type: 'choice-end', index: 0, finishReason: 'stop', stopReason: 'END' };
      expect(events).toContainEqual(end);
    });

    it('begins with the prompt when it is to, log probabilities included', async () => {
      suite.harness.script({ kind: 'answer', pieces: [' c'] });
      const prompts = [text('a b')];
      const sampling = { maxTokens: 5, logprobs: true, topLogprobs: 2 };
      const answer = await run({ prompts, echo: true, sampling });
      expect(answer.error).toBeUndefined();
      expect(textOf(answer.events)).toBe('a b c');
      const [first, ...others] = logprobsOf(answer);
      expect(first).toMatchObject({ token: 'a', logprob: -9999, top: [] });
      expect(others.map(({ token }) => token)).toEqual([' b', ' c']);
      for (const { logprob, top } of others) {
        expect(logprob).toBeLessThanOrEqual(0);
        expect(logprob).toBeGreaterThan(-9999);
        expect(top.length).toBeGreaterThan(0);
      }
    });

    it('may be the prompt alone', async () => {
      const words = Array.from({ length: 600 }, (_, at) => `w${at}`).join(' ');
      const sampling = { maxTokens: 0, logprobs: true, topLogprobs: 1 };
      const answer = await run({ prompts: [text(words)], echo: true, sampling });
      expect(answer.error).toBeUndefined();
      expect(textOf(answer.events)).toBe(words);
      const logprobs = logprobsOf(answer);
      expect(logprobs.map(({ token }) => token).join('')).toBe(words);
      for (const event of answer.events) {
        if (event.type === 'text-delta') expect(event.logprobs?.length ?? 0).toBeLessThanOrEqual(256);
      }
    });

    it('is refused for a reason that is told', async () => {
      await suite.expectRefusals(async (more) => {
        const { error } = await run(more);
        if (error !== undefined) throw error;
      });
    });

    it('is no answer when it breaks off', async () => {
      suite.harness.script({ kind: 'break-off', pieces: ['half'] });
      const { events, error } = await run();
      expect(textOf(events)).toBe('half');
      suite.expectFailure(error, 'BACKEND_ERROR');
    });
  });
}
