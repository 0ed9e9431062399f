import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import { expect } from '@jest/globals';
import type { ChatGeneration, EngineImage } from '../index.js';
import type { BackendHarness } from './harness.js';

/** What a run of events came to. */
export interface Collected {
  readonly events: readonly GenerationEvent[];
  readonly error: unknown;
}

/** All events of a generation, up to its error if it has one. */
export async function collect(events: AsyncIterable<readonly GenerationEvent[]>): Promise<Collected> {
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

export function textOf(events: readonly GenerationEvent[], index = 0): string {
  return events
    .map((event) => (event.type === 'text-delta' && event.index === index ? event.text : ''))
    .join('');
}

export const typesOf = (events: readonly GenerationEvent[]): string[] => events.map((event) => event.type);

export const neverAborted: AbortSignal = new AbortController().signal;

/** One test's harness, and requests to the backend it holds. */
export class Suite {
  #harness: BackendHarness | undefined;

  get harness(): BackendHarness {
    if (this.#harness === undefined) throw new Error('no test is running');
    return this.#harness;
  }

  async start(make: () => Promise<BackendHarness>): Promise<void> {
    this.#harness = await make();
  }

  async stop(): Promise<void> {
    await this.harness.backend.close();
    await this.harness.stop();
  }

  request(more: Partial<ChatGeneration> = {}): ChatGeneration {
    return {
      kind: 'chat' as const,
      requestId: '01920000-0000-7000-8000-000000000001',
      model: this.harness.model,
      messages: [{ role: 'user', content: 'say something' }],
      sampling: { maxTokens: 50 },
      ...more,
    };
  }

  run(
    more: Partial<ChatGeneration> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Collected> {
    return collect(this.harness.backend.generate(this.request(more), signal));
  }

  /** Checks that it is a catalogue error whose public text is fit for the public. */
  expectFailure(error: unknown, code: string): FoveaError {
    if (!FoveaError.isInstance(error)) throw new Error(`not a catalogue error: ${String(error)}`);
    expect(error.code).toBe(code);
    for (const secret of this.harness.secrets) expect(error.message).not.toContain(secret);
    return error;
  }

  /** Checks that the refusals of an engine that is busy, short of context, broken or without the model are told apart. */
  async expectRefusals(ask: (more: { model?: string }) => Promise<unknown>): Promise<void> {
    this.harness.script({ kind: 'refuse', because: 'busy' });
    expect((await this.expectRejection(ask({}), 'QUEUE_FULL')).retryAfterS).toBeGreaterThan(0);
    this.harness.script({ kind: 'refuse', because: 'context' });
    await this.expectRejection(ask({}), 'CONTEXT_LENGTH_EXCEEDED');
    this.harness.script({ kind: 'refuse', because: 'broken' });
    await this.expectRejection(ask({}), 'BACKEND_ERROR');
    await this.expectRejection(ask({ model: 'no-such-model' }), 'UNKNOWN_MODEL');
  }

  async expectRejection(promise: Promise<unknown>, code: string): Promise<FoveaError> {
    const error = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return this.expectFailure(error, code);
  }
}

/** A question about images. */
export function withImages(...images: readonly EngineImage[]): Partial<ChatGeneration> {
  const parts = images.map((image) => ({ type: 'image' as const, image }));
  return { messages: [{ role: 'user', content: [{ type: 'text', text: 'compare' }, ...parts] }] };
}
