import { randomUUID } from 'node:crypto';
import type { GenerationEvent } from '@fovea/schemas/events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createCoalescingWriter, type StreamEntry, type TokenStream } from './index.js';

/** What an adapter brings to its conformance tests: handles of several processes on one store. */
export interface TokenStreamFixture {
  /** A handle of its own, as another process would have it. The suite closes it. */
  connect(): Promise<TokenStream>;
  stop(): Promise<void>;
}

const text = (value: string): GenerationEvent => ({ type: 'text-delta', index: 0, text: value });
const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 1, completionTokens: 2 } };

async function collect(entries: AsyncIterable<StreamEntry>): Promise<StreamEntry[]> {
  const all: StreamEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

/** The contract of `TokenStream` as tests; every adapter passes them. */
export function describeTokenStream(name: string, make: () => Promise<TokenStreamFixture>): void {
  describe(`${name} as a token stream`, () => {
    let fixture: TokenStreamFixture;
    let writer: TokenStream;
    let reader: TokenStream;
    let requestId: string;

    beforeAll(async () => {
      fixture = await make();
      writer = await fixture.connect();
      reader = await fixture.connect();
    });
    afterAll(async () => {
      await Promise.all([writer.close(), reader.close()]);
      await fixture.stop();
    });
    const begin = async (fence: string): Promise<string> => {
      requestId = randomUUID();
      await writer.open(requestId, fence);
      return requestId;
    };

    it('numbers entries from one without gaps and reads them back in pages', async () => {
      const id = await begin('a');
      for (const word of ['one', 'two', 'three']) {
        expect((await writer.append(id, 'a', [text(word)])).outcome).toBe('appended');
      }
      expect(await reader.read(id, 0, 2)).toEqual([
        { id: 1, events: [text('one')] },
        { id: 2, events: [text('two')] },
      ]);
      expect(await reader.read(id, 2, 10)).toEqual([{ id: 3, events: [text('three')] }]);
      expect(await reader.read(id, 3, 10)).toEqual([]);
    });

    it('knows nothing of a request that was never written', async () => {
      const state = await reader.state(randomUUID());
      expect(state).toEqual({ lastId: 0, hasOutput: false, terminal: undefined });
      expect(await reader.read(randomUUID(), 0, 5)).toEqual([]);
    });

    it('has no output after opening or after nothing but a terminal event', async () => {
      const id = await begin('a');
      expect(await reader.state(id)).toEqual({ lastId: 0, hasOutput: false, terminal: undefined });
      const failure: GenerationEvent = { type: 'error', code: 'CANCELLED', message: 'gone' };
      await writer.append(id, 'a', [failure]);
      expect(await reader.state(id)).toEqual({ lastId: 1, hasOutput: false, terminal: failure });
    });

    it('tells a later attempt what an earlier one left and shuts the earlier one out', async () => {
      const id = await begin('first');
      await writer.append(id, 'first', [text('half')]);
      const other = await fixture.connect();
      try {
        expect(await other.open(id, 'second')).toEqual({ lastId: 1, hasOutput: true, terminal: undefined });
        expect(await writer.append(id, 'first', [text('late')])).toEqual({ outcome: 'fenced' });
        expect(await other.append(id, 'second', [end])).toEqual({ outcome: 'appended', lastId: 2 });
        expect((await reader.state(id)).terminal).toEqual(end);
      } finally {
        await other.close();
      }
    });

    it('refuses everything after the terminal event', async () => {
      const id = await begin('a');
      await writer.append(id, 'a', [text('x'), end]);
      expect(await writer.append(id, 'a', [text('y')])).toEqual({ outcome: 'ended' });
      expect((await writer.open(id, 'b')).terminal).toEqual(end);
      expect(await writer.append(id, 'b', [end])).toEqual({ outcome: 'ended' });
      expect((await reader.state(id)).lastId).toBe(1);
    });

    it('refuses a fence that was never opened', async () => {
      expect(await writer.append(randomUUID(), 'nobody', [text('x')])).toEqual({ outcome: 'fenced' });
    });

    it('keeps the order of appends that do not wait for each other', async () => {
      const id = await begin('a');
      const words = Array.from({ length: 50 }, (_, index) => `${index}`);
      await Promise.all(words.map((word) => writer.append(id, 'a', [text(word)])));
      const entries = await reader.read(id, 0, 100);
      expect(entries.map((entry) => entry.events[0])).toEqual(words.map(text));
    });

    it('follows a request that nobody has opened yet to its end', async () => {
      const id = randomUUID();
      const following = collect(reader.follow(id));
      await writer.open(id, 'a');
      await writer.append(id, 'a', [text('a')]);
      await writer.append(id, 'a', [text('b'), end]);
      expect(await following).toEqual([
        { id: 1, events: [text('a')] },
        { id: 2, events: [text('b'), end] },
      ]);
    });

    it('follows from the middle and replays what has ended', async () => {
      const id = await begin('a');
      for (let index = 1; index <= 40; index++) await writer.append(id, 'a', [text(`${index}`)]);
      await writer.append(id, 'a', [end]);
      const entries = await collect(reader.follow(id, { afterId: 5 }));
      expect(entries.map((entry) => entry.id)).toEqual(Array.from({ length: 36 }, (_, index) => index + 6));
    });

    it('serves several readers of one request, one of them slow, every entry once', async () => {
      const id = await begin('a');
      const count = 200;
      let release = (): void => undefined;
      const written = new Promise<void>((resolve) => {
        release = resolve;
      });
      const slow = (async () => {
        const ids: number[] = [];
        for await (const entry of reader.follow(id)) {
          ids.push(entry.id);
          if (ids.length === 1) await written;
        }
        return ids;
      })();
      const quick = collect(reader.follow(id));
      for (let index = 1; index < count; index++) await writer.append(id, 'a', [text(`${index}`)]);
      await writer.append(id, 'a', [end]);
      release();
      const expected = Array.from({ length: count }, (_, index) => index + 1);
      expect((await quick).map((entry) => entry.id)).toEqual(expected);
      expect(await slow).toEqual(expected);
    });

    it('stops following without an error when the signal aborts', async () => {
      const id = await begin('a');
      await writer.append(id, 'a', [text('only')]);
      const controller = new AbortController();
      const seen: number[] = [];
      for await (const entry of reader.follow(id, { signal: controller.signal })) {
        seen.push(entry.id);
        queueMicrotask(() => controller.abort());
      }
      expect(seen).toEqual([1]);
      expect(await collect(reader.follow(id, { signal: controller.signal }))).toEqual([]);
    });

    it('answers GONE to a reader whose log is no longer kept', async () => {
      const id = await begin('a');
      await writer.append(id, 'a', [text('x'), end]);
      await writer.drop(id);
      await expect(reader.read(id, 1, 5)).rejects.toMatchObject({ code: 'GONE' });
      await expect(collect(reader.follow(id, { afterId: 1 }))).rejects.toMatchObject({ code: 'GONE' });
      expect((await reader.state(id)).lastId).toBe(0);
    });

    it('lets an attempt write nothing more once its request was dropped', async () => {
      const id = await begin('a');
      await writer.append(id, 'a', [text('x')]);
      await reader.drop(id);
      expect(await writer.append(id, 'a', [text('y')])).toEqual({ outcome: 'fenced' });
      expect((await reader.state(id)).lastId).toBe(0);
    });

    it('tells which requests nobody holds an interest lease for', async () => {
      const [held, never, cancelled] = [randomUUID(), randomUUID(), randomUUID()];
      await reader.renewInterest([held, cancelled], 60_000);
      await reader.cancel(cancelled);
      expect(await writer.lapsed([held, never, cancelled])).toEqual([never, cancelled]);
      expect(await writer.lapsed([])).toEqual([]);
      await reader.renewInterest([], 1_000);
    });

    it('lets an interest lease lapse by itself', async () => {
      const id = randomUUID();
      await reader.renewInterest([id], 30);
      while ((await writer.lapsed([id])).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await writer.lapsed([id])).toEqual([id]);
    });

    it('reaches whoever runs the request with a cancel, once, and not who stopped listening', async () => {
      const id = randomUUID();
      let calls = 0;
      let unheard = 0;
      const stop = await writer.onCancel(id, () => {
        unheard += 1;
      });
      await stop();
      const cancelled = new Promise<void>((resolve) => {
        void writer.onCancel(id, () => {
          calls += 1;
          resolve();
        });
      });
      const keepCancelling = setInterval(() => void reader.cancel(id), 20);
      await cancelled;
      clearInterval(keepCancelling);
      await reader.cancel(id);
      // A round trip through the same subscription: what was published before it has arrived.
      const marker = randomUUID();
      await new Promise<void>((resolve) => {
        void writer.onCancel(marker, resolve).then(() => reader.cancel(marker));
      });
      expect([calls, unheard]).toEqual([1, 0]);
    });

    it('joins what a token writer gets in one turn into one entry', async () => {
      const id = await begin('a');
      const tokens = createCoalescingWriter(writer, id, 'a');
      for (const word of ['a', 'b', 'c']) tokens.write(text(word));
      expect(await tokens.flush()).toEqual({ outcome: 'appended', lastId: 1 });
      tokens.write(end);
      await tokens.flush();
      expect((await reader.read(id, 0, 10)).map((entry) => entry.events.length)).toEqual([3, 1]);
    });
  });
}
