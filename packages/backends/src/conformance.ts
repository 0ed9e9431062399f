import { createHash } from 'node:crypto';
import { FoveaError } from '@fovea/errors';
import { type GenerationEvent, generationEventSchema } from '@fovea/schemas/events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestPng } from './conformance/test-png.js';
import type { Backend, ChatGeneration, EngineImage } from './index.js';

/** How the engine treats the next request. */
export type EngineScript =
  | {
      readonly kind: 'answer';
      readonly pieces: readonly string[];
      readonly finishReason?: 'stop' | 'length';
      /** The last piece and the finish reason in one message, as vLLM may do. */
      readonly finishWithText?: boolean;
    }
  | { readonly kind: 'refuse'; readonly because: 'image' | 'context' | 'busy' | 'broken' }
  /** Says so many pieces, then the connection is gone. */
  | { readonly kind: 'break-off'; readonly pieces: readonly string[] }
  /** Says so many pieces, then ends as if all were well, but without a finish reason. */
  | { readonly kind: 'no-finish'; readonly pieces: readonly string[] }
  /** Says so many pieces, then nothing more. */
  | { readonly kind: 'hang'; readonly pieces: readonly string[] };

/** What the suite needs to steer and watch the engine behind a backend. No addresses: they are the adapter's matter. */
export interface BackendHarness {
  readonly backend: Backend;
  /** A model the engine serves, and its context length. */
  readonly model: string;
  readonly maxModelLen: number;
  /** Words that must never appear in a public text: the engine's host, port, paths, key. */
  readonly secrets: readonly string[];
  script(script: EngineScript): void;
  /** Requests that reached the engine. */
  seenRequests(): number;
  /** Sha256 of each image of the last request, hex, in order. */
  seenImages(): readonly string[];
  /** Resolves when the engine has given up so many requests because their reader left. */
  untilAborted(count: number): Promise<void>;
  /** Resolves when the engine works on a request. */
  untilRunning(): Promise<void>;
  setHealthy(healthy: boolean): void;
  stop(): Promise<void>;
}

const neverAborted = new AbortController().signal;

async function collect(events: AsyncIterable<readonly GenerationEvent[]>): Promise<{
  events: GenerationEvent[];
  error: unknown;
}> {
  const all: GenerationEvent[] = [];
  try {
    for await (const batch of events) {
      expect(batch.length).toBeGreaterThan(0);
      all.push(...batch);
    }
  } catch (error) {
    return { events: all, error };
  }
  return { events: all, error: undefined };
}

function textOf(events: readonly GenerationEvent[], index = 0): string {
  return events
    .map((event) => (event.type === 'text-delta' && event.index === index ? event.text : ''))
    .join('');
}

const types = (events: readonly GenerationEvent[]): string[] => events.map((event) => event.type);

/** The contract of `Backend`: every adapter runs these tests against an engine it can steer. */
export function describeBackend(name: string, make: () => Promise<BackendHarness>): void {
  describe(`${name} as a Backend`, () => {
    let harness: BackendHarness;

    beforeEach(async () => {
      harness = await make();
    });

    afterEach(async () => {
      await harness.backend.close();
      await harness.stop();
    });

    const request = (more: Partial<ChatGeneration> = {}): ChatGeneration => ({
      requestId: '01920000-0000-7000-8000-000000000001',
      model: harness.model,
      messages: [{ role: 'user', content: 'say something' }],
      sampling: { maxTokens: 50 },
      ...more,
    });

    const run = (more: Partial<ChatGeneration> = {}, signal: AbortSignal = new AbortController().signal) =>
      collect(harness.backend.generate(request(more), signal));

    const withImages = (...images: readonly EngineImage[]): Partial<ChatGeneration> => ({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'compare' },
            ...images.map((image) => ({ type: 'image' as const, image })),
          ],
        },
      ],
    });

    const expectFailure = (error: unknown, code: string): FoveaError => {
      if (!FoveaError.isInstance(error)) throw new Error(`not a catalogue error: ${String(error)}`);
      expect(error.code).toBe(code);
      for (const secret of harness.secrets) expect(error.message).not.toContain(secret);
      return error;
    };

    describe('an answer', () => {
      it('comes as deltas, one end per choice and one end of all, each as the event schema wants it', async () => {
        harness.script({ kind: 'answer', pieces: ['Zwei', ' ', 'Wörter 😀'] });
        const { events, error } = await run();
        expect(error).toBeUndefined();
        for (const event of events) expect(generationEventSchema.parse(event)).toEqual(event);
        expect(textOf(events)).toBe('Zwei Wörter 😀');
        expect(types(events).slice(-2)).toEqual(['choice-end', 'generation-end']);
        expect(
          types(events)
            .slice(0, -2)
            .every((type) => type === 'text-delta'),
        ).toBe(true);
        const last = events.at(-1);
        if (last?.type !== 'generation-end') throw new Error('no end');
        expect(last.usage.promptTokens).toBeGreaterThan(0);
        expect(last.usage.completionTokens).toBe(3);
      });

      it.each(['stop', 'length'] as const)('ends with the finish reason %s', async (finishReason) => {
        harness.script({ kind: 'answer', pieces: ['a'], finishReason });
        expect((await run()).events).toContainEqual({ type: 'choice-end', index: 0, finishReason });
      });

      it('keeps the last text when the engine sends it with the finish reason', async () => {
        harness.script({ kind: 'answer', pieces: ['a', 'b'], finishWithText: true });
        const { events } = await run();
        expect(textOf(events)).toBe('ab');
        expect(types(events)).toEqual(['text-delta', 'text-delta', 'choice-end', 'generation-end']);
      });

      it('may say nothing at all', async () => {
        harness.script({ kind: 'answer', pieces: [] });
        expect(types((await run()).events)).toEqual(['choice-end', 'generation-end']);
      });

      it('has every choice asked for, each ended once, and usage of all together', async () => {
        harness.script({ kind: 'answer', pieces: ['x', 'y'] });
        const { events, error } = await run({ sampling: { n: 3, maxTokens: 50 } });
        expect(error).toBeUndefined();
        expect([0, 1, 2].map((index) => textOf(events, index))).toEqual(['xy', 'xy', 'xy']);
        const ended = events.flatMap((event) => (event.type === 'choice-end' ? [event.index] : []));
        expect(ended.sort()).toEqual([0, 1, 2]);
        expect(events.at(-1)).toMatchObject({ type: 'generation-end', usage: { completionTokens: 6 } });
      });

      it('is of long text whole, too', async () => {
        const pieces = Array.from({ length: 40 }, (_, at) => `${at}:${'ä'.repeat(2000)}`);
        harness.script({ kind: 'answer', pieces });
        expect(textOf((await run()).events)).toBe(pieces.join(''));
      });
    });

    describe('the request', () => {
      it('starts at the first pull', async () => {
        const events = harness.backend.generate(request(), neverAborted);
        await harness.backend.checkHealth(neverAborted);
        expect(harness.seenRequests()).toBe(0);
        expect((await collect(events)).error).toBeUndefined();
        expect(harness.seenRequests()).toBe(1);
      });

      it('carries images byte for byte and in order', async () => {
        const images = [createTestPng(300, 1), createTestPng(5, 2), createTestPng(64, 3)];
        const { error } = await run(withImages(...images));
        expect(error).toBeUndefined();
        const digests = images.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex'));
        expect(harness.seenImages()).toEqual(digests);
      });

      it('runs beside others on the same backend', async () => {
        const runs = await Promise.all(Array.from({ length: 20 }, () => run()));
        expect(runs.map(({ error }) => error)).toEqual(Array.from({ length: 20 }));
        expect(harness.seenRequests()).toBe(20);
      });
    });

    describe('a refusal', () => {
      it('of the image names it', async () => {
        harness.script({ kind: 'refuse', because: 'image' });
        const image = createTestPng(8, 1);
        const { events, error } = await run(withImages(image));
        expect(events).toEqual([]);
        expect(expectFailure(error, 'INVALID_IMAGE').param).toBe(image.path);
      });

      it('for want of context says so', async () => {
        harness.script({ kind: 'refuse', because: 'context' });
        expectFailure((await run()).error, 'CONTEXT_LENGTH_EXCEEDED');
      });

      it('of a busy engine says when to come back', async () => {
        harness.script({ kind: 'refuse', because: 'busy' });
        expect(expectFailure((await run()).error, 'QUEUE_FULL').retryAfterS).toBeGreaterThan(0);
      });

      it('of a broken engine is its own fault', async () => {
        harness.script({ kind: 'refuse', because: 'broken' });
        expectFailure((await run()).error, 'BACKEND_ERROR');
      });

      it('of an unknown model is told from a fault', async () => {
        expectFailure((await run({ model: 'no-such-model' })).error, 'UNKNOWN_MODEL');
      });
    });

    describe('a broken answer', () => {
      it.each(['break-off', 'no-finish'] as const)('(%s) gives what was said, then fails', async (kind) => {
        harness.script({ kind, pieces: ['half', ' an'] });
        const { events, error } = await run();
        expect(textOf(events)).toBe('half an');
        expect(types(events)).not.toContain('generation-end');
        expectFailure(error, 'BACKEND_ERROR');
      });

      it('leaves the backend fit for the next request', async () => {
        harness.script({ kind: 'break-off', pieces: ['x'] });
        await run();
        harness.script({ kind: 'answer', pieces: ['fine'] });
        expect(textOf((await run()).events)).toBe('fine');
      });
    });

    describe('an abort', () => {
      it('before the first pull keeps the request from the engine', async () => {
        expectFailure((await run({}, AbortSignal.abort())).error, 'CANCELLED');
        expect(harness.seenRequests()).toBe(0);
      });

      it('before the first token ends the engine’s work', async () => {
        harness.script({ kind: 'hang', pieces: [] });
        const controller = new AbortController();
        const running = run({}, controller.signal);
        await harness.untilRunning();
        controller.abort();
        expectFailure((await running).error, 'CANCELLED');
        await harness.untilAborted(1);
      });

      it('in mid-answer ends the engine’s work; a catalogue error as reason comes back', async () => {
        harness.script({ kind: 'hang', pieces: ['a', 'b'] });
        const controller = new AbortController();
        const seen: string[] = [];
        const reading = (async () => {
          for await (const batch of harness.backend.generate(request(), controller.signal)) {
            seen.push(textOf(batch));
            if (seen.join('') === 'ab') controller.abort(new FoveaError('TIMEOUT'));
          }
        })();
        await expect(reading).rejects.toMatchObject({ code: 'TIMEOUT' });
        await harness.untilAborted(1);
      });

      it('ends the engine’s work at once, also when the reader is busy elsewhere', async () => {
        harness.script({ kind: 'hang', pieces: ['a'] });
        const controller = new AbortController();
        const events = harness.backend.generate(request(), controller.signal)[Symbol.asyncIterator]();
        await events.next();
        controller.abort();
        await harness.untilAborted(1);
        await expect(events.next()).rejects.toMatchObject({ code: 'CANCELLED' });
      });

      it('is what leaving the loop means', async () => {
        harness.script({ kind: 'hang', pieces: ['a'] });
        for await (const _ of harness.backend.generate(request(), neverAborted)) break;
        await harness.untilAborted(1);
      });

      it('of one request leaves the others alone', async () => {
        harness.script({ kind: 'hang', pieces: ['a'] });
        const controller = new AbortController();
        const doomed = harness.backend.generate(request(), controller.signal)[Symbol.asyncIterator]();
        await doomed.next();
        const other = run();
        controller.abort();
        expect((await other).error).toBeUndefined();
      });
    });

    describe('the engine', () => {
      it('is healthy or not', async () => {
        await harness.backend.checkHealth(neverAborted);
        harness.setHealthy(false);
        const error = await harness.backend.checkHealth(neverAborted).catch((reason: unknown) => reason);
        expectFailure(error, 'BACKEND_ERROR');
      });

      it('lists its models with their context length', async () => {
        expect(await harness.backend.models(neverAborted)).toEqual([
          { id: harness.model, maxModelLen: harness.maxModelLen },
        ]);
      });

      it('that is gone is a fault of its own, in every method', async () => {
        await harness.stop();
        expectFailure((await run()).error, 'BACKEND_ERROR');
        const asked = [harness.backend.checkHealth(neverAborted), harness.backend.models(neverAborted)];
        for (const answer of asked)
          expectFailure(await answer.catch((reason: unknown) => reason), 'BACKEND_ERROR');
      });
    });
  });
}
