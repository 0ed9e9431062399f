import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeDecoder, greedy, letters } from '../testing/fake-decoder.js';
import type { FromDecoderThread } from './decoder-protocol.js';
import { serveDecoder } from './serve-decoder.js';
import { CLOSE } from './worker-link.js';

const ownFacts = {
  vocabularySize: 27,
  inputIds: 27,
  hiddenSize: 1,
  kvCacheTokens: 640,
  bytesPerToken: 1,
  batching: true,
} as const;

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

async function serve(decoder: FakeDecoder) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const first = once(port1, 'message');
  await serveDecoder(port2, async () => ({
    decoder,
    facts: ownFacts,
    tokens: letters,
    scheduling: { maxRunning: 4, prefixCacheBytes: 0 },
  }));
  const [facts] = await first;
  const ticks: FromDecoderThread[] = [];
  port1.on('message', (tick: FromDecoderThread) => ticks.push(tick));
  const until = async (isDone: () => boolean) => {
    while (!isDone()) await once(port1, 'message');
  };
  return { port: port1, facts, ticks, until };
}

const generate = (id: number, maxTokens: number) => ({
  generate: {
    id,
    prompt: { ids: Int32Array.of(1, 2), imageTokenId: 26, features: new Float32Array(), images: [] },
    choices: [{ ...greedy, maxTokens }],
  },
});

describe('the decoder thread', () => {
  it('tells its sizes, then one message per turn, and rests when nothing is left', async () => {
    const decoder = new FakeDecoder(() => 1);
    const { port, facts, ticks, until } = await serve(decoder);
    expect(facts).toEqual({ ready: ownFacts });
    port.postMessage(generate(1, 3));
    await until(() => ticks.length === 3);
    expect(ticks.map(({ pieces }) => pieces.length)).toEqual([1, 1, 1]);
    expect(ticks.map(({ running }) => running)).toEqual([1, 1, 0]);
    const { length } = decoder.passes;
    await new Promise(setImmediate);
    expect(decoder.passes).toHaveLength(length);
  });

  it('reads a cancel between two steps, frees the sequence and tells the new load', async () => {
    const decoder = new FakeDecoder(() => 1);
    const { port, ticks, until } = await serve(decoder);
    port.postMessage(generate(1, 1_000_000));
    await until(() => ticks.length >= 3);
    port.postMessage({ cancel: 1 });
    await until(() => ticks.at(-1)?.running === 0);
    expect(ticks.at(-1)).toMatchObject({ pieces: [], running: 0, cachedTokens: 0 });
    const { length } = decoder.passes;
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(decoder.passes).toHaveLength(length);
  });

  it('tells failures as plain data', async () => {
    const decoder = new FakeDecoder(() => {
      throw new Error('broken graph');
    });
    const { port, ticks, until } = await serve(decoder);
    port.postMessage(generate(5, 3));
    await until(() => ticks.length === 1);
    expect(ticks[0]?.failures).toMatchObject([
      { id: 5, error: { code: 'INTERNAL', detail: 'broken graph' } },
    ]);
  });

  it('stops in the middle of work, and releases the decoder, when it is told to close', async () => {
    const decoder = new FakeDecoder(() => 1);
    const { port, ticks, until } = await serve(decoder);
    port.postMessage(generate(1, 1_000_000));
    await until(() => ticks.length >= 2);
    const closed = once(port, 'close');
    port.postMessage(CLOSE);
    await closed;
    expect(decoder.isClosed).toBe(true);
  });
});
