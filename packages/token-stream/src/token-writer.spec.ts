import type { GenerationEvent } from '@fovea/schemas/events';
import { describe, expect, it } from '@jest/globals';
import type { AppendOutcome, TokenStream } from './index.js';
import { createCoalescingWriter } from './token-writer.js';

const text = (value: string): GenerationEvent => ({ type: 'text-delta', index: 0, text: value });
const end: GenerationEvent = { type: 'generation-end', usage: { promptTokens: 1, completionTokens: 2 } };

/** Records appends; each waits until the test settles it. */
class ScriptedStream {
  readonly batches: (readonly GenerationEvent[])[] = [];
  #settle: ((outcome: AppendOutcome | Error) => void)[] = [];
  #arrived: (() => void) | undefined;

  append(_requestId: string, _fence: string, events: readonly GenerationEvent[]): Promise<AppendOutcome> {
    this.batches.push(events);
    this.#arrived?.();
    return new Promise((resolve, reject) => {
      this.#settle.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
    });
  }

  async arrived(count: number): Promise<void> {
    while (this.batches.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  settle(outcome: AppendOutcome | Error = { outcome: 'appended', lastId: this.batches.length }): void {
    this.#settle.shift()?.(outcome);
  }

  get open(): number {
    return this.#settle.length;
  }
}

const setUp = () => {
  const stream = new ScriptedStream();
  const port: Pick<TokenStream, 'append'> = stream;
  return { stream, writer: createCoalescingWriter(port, 'r', 'fence') };
};

describe('createCoalescingWriter', () => {
  it('joins one turn into one append and keeps one append in flight', async () => {
    const { stream, writer } = setUp();
    writer.write(text('a'));
    await Promise.resolve();
    writer.write(text('b'));
    await stream.arrived(1);
    expect(stream.batches).toEqual([[text('a'), text('b')]]);
    for (const word of ['c', 'd']) {
      writer.write(text(word));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(stream.open).toBe(1);
    stream.settle();
    await stream.arrived(2);
    expect(stream.batches[1]).toEqual([text('c'), text('d')]);
    stream.settle();
    expect(await writer.flush()).toEqual({ outcome: 'appended', lastId: 2 });
  });

  it('holds back its caller while too much is unwritten', async () => {
    const { stream, writer } = setUp();
    await writer.ready();
    for (let index = 0; index < 10; index++) writer.write(text('x'.repeat(10_000)));
    let isReady = false;
    const ready = writer.ready().then(() => {
      isReady = true;
    });
    await stream.arrived(1);
    expect(isReady).toBe(false);
    for (let count = 1; !isReady; count++) {
      await stream.arrived(count);
      stream.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ready;
    expect(Math.max(...stream.batches.map((batch) => JSON.stringify(batch).length))).toBeLessThan(30_000);
  });

  it.each(['fenced', 'ended'] as const)('stops when it is %s and drops what comes later', async (outcome) => {
    const { stream, writer } = setUp();
    writer.write(text('a'));
    await stream.arrived(1);
    writer.write(text('b'));
    stream.settle({ outcome });
    expect(await writer.flush()).toEqual({ outcome });
    expect(writer.stopped.reason).toBe(outcome);
    writer.write(text('c'));
    await writer.ready();
    await writer.flush();
    expect(stream.batches).toHaveLength(1);
  });

  it('stops with the error of a failed append and throws it from flush', async () => {
    const { stream, writer } = setUp();
    writer.write(text('a'));
    await stream.arrived(1);
    stream.settle(new Error('no Redis'));
    await expect(writer.flush()).rejects.toMatchObject({ code: 'INTERNAL', detail: 'no Redis' });
    expect(writer.stopped.aborted).toBe(true);
  });

  it('refuses an event after the terminal one', () => {
    const { writer } = setUp();
    writer.write(end);
    expect(() => writer.write(text('late'))).toThrow('Something went wrong');
  });
});
