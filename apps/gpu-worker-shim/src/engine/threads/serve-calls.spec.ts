import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { FoveaError } from '@fovea/errors';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type CallService, serveCalls } from './serve-calls.js';
import { fromThreadError, toThreadError } from './thread-error.js';
import { CLOSE } from './worker-link.js';

type Service = CallService<string, string, { kind: string }>;

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** The owner's end of a channel whose other end serves calls, and everything it was told. */
async function serve(service: Partial<Service> = {}) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const told: unknown[] = [];
  port1.on('message', (message) => told.push(message));
  const whole: Service = {
    facts: { kind: 'echo' },
    answer: async (request) => request.toUpperCase(),
    transfer: () => [],
    close: async () => undefined,
    ...service,
  };
  await serveCalls(port2, async () => whole);
  return { port: port1, told };
}

const until = async (port: MessagePort, isDone: () => boolean) => {
  while (!isDone()) await once(port, 'message');
};

describe('a call thread', () => {
  it('tells its facts and answers calls in order', async () => {
    const { port, told } = await serve();
    port.postMessage({ call: 1, request: 'a' });
    port.postMessage({ call: 2, request: 'b' });
    await until(port, () => told.length === 3);
    expect(told).toEqual([{ ready: { kind: 'echo' } }, { call: 1, answer: 'A' }, { call: 2, answer: 'B' }]);
  });

  it('does not begin a call that was cancelled while it waited, and says nothing of one that was running', async () => {
    const begun: string[] = [];
    const states: boolean[] = [];
    let finish: () => void = () => undefined;
    const { port, told } = await serve({
      answer: async (request, isCancelled) => {
        begun.push(request);
        if (request === 'running') {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
          states.push(isCancelled());
        }
        return request;
      },
    });
    port.postMessage({ call: 1, request: 'running' });
    port.postMessage({ call: 2, request: 'waiting' });
    port.postMessage({ cancel: 1 });
    port.postMessage({ cancel: 2 });
    port.postMessage({ call: 3, request: 'last' });
    while (begun.length === 0) await new Promise(setImmediate);
    // The cancels are in the same queue, so a turn later they have been read.
    await new Promise(setImmediate);
    finish();
    await until(port, () => told.length === 2);
    expect(begun).toEqual(['running', 'last']);
    expect(states).toEqual([true]);
    expect(told[1]).toEqual({ call: 3, answer: 'last' });
  });

  it('tells a catalogue error with its fields, and any other as INTERNAL', async () => {
    const { port, told } = await serve({
      answer: async (request) => {
        if (request === 'bug') throw new TypeError('x is undefined');
        throw new FoveaError('INVALID_REQUEST', { message: 'no', param: 'messages' });
      },
    });
    port.postMessage({ call: 1, request: 'refused' });
    port.postMessage({ call: 2, request: 'bug' });
    await until(port, () => told.length === 3);
    expect(told[1]).toMatchObject({ error: { code: 'INVALID_REQUEST', message: 'no', param: 'messages' } });
    expect(told[2]).toMatchObject({ error: { code: 'INTERNAL', detail: 'x is undefined' } });
  });

  it('refuses to start with the reason', async () => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    const first = once(port1, 'message');
    await serveCalls(port2, () => Promise.reject(new Error('graph.onnx: the file is missing')));
    expect((await first)[0]).toEqual({ refused: 'graph.onnx: the file is missing' });
  });

  it('closes its service and its port when it is told to', async () => {
    let isClosed = false;
    const { port } = await serve({
      close: async () => {
        isClosed = true;
      },
    });
    const closed = once(port, 'close');
    port.postMessage(CLOSE);
    await closed;
    expect(isClosed).toBe(true);
  });
});

describe('an error between threads', () => {
  it('is the same on the other side', () => {
    const error = new FoveaError('CONTEXT_LENGTH_EXCEEDED', {
      message: 'too long',
      param: 'input_tokens',
      limit: { name: 'max_model_len', value: 5 },
      detail: 'for the log',
    });
    const copy = fromThreadError(structuredClone(toThreadError(error)));
    expect(copy).toMatchObject({
      code: error.code,
      message: 'too long',
      param: 'input_tokens',
      detail: 'for the log',
    });
    expect(copy.limit).toEqual(error.limit);
  });
});
