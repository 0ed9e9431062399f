import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { imageOf } from '../../conformance/test-png.js';
import { isEngineGone } from '../../engine-gone.js';
import type { Backend, ChatGeneration, EngineImage } from '../../index.js';
import { createOpenAiHttpBackend, type OpenAiHttpBackendOptions } from '../../openai-http.js';
import {
  type RawEngine,
  type RawRequest,
  response,
  startRawEngine,
  streamOf,
} from '../testing/raw-engine.js';

describe('openai-http on the wire', () => {
  let engine: RawEngine;
  let backend: Backend;

  beforeEach(async () => {
    engine = await startRawEngine();
    backend = createOpenAiHttpBackend({ baseUrl: engine.url });
  });

  afterEach(async () => {
    await backend.close();
    await engine.close();
  });

  const restart = async (options: Partial<OpenAiHttpBackendOptions>): Promise<void> => {
    await backend.close();
    backend = createOpenAiHttpBackend({ baseUrl: engine.url, ...options });
  };

  const request = (more: Partial<ChatGeneration> = {}): ChatGeneration => ({
    kind: 'chat' as const,
    requestId: '01920000-0000-7000-8000-000000000003',
    model: 'm',
    messages: [{ role: 'user', content: 'hello' }],
    sampling: {},
    ...more,
  });

  async function read(
    more: Partial<ChatGeneration> = {},
    signal = new AbortController().signal,
  ): Promise<string> {
    const events: GenerationEvent[] = [];
    for await (const batch of backend.generate(request(more), signal)) events.push(...batch);
    return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
  }

  const failure = async (reading: Promise<unknown>): Promise<FoveaError> => {
    const error = await reading.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!FoveaError.isInstance(error)) throw new Error(`not a catalogue error: ${String(error)}`);
    expect(error.message).not.toContain('127.0.0.1');
    return error;
  };

  const answer = async ({ socket, body }: RawRequest, text: string): Promise<void> => {
    await body();
    socket.write(response(200, 'text/event-stream', streamOf(text)));
  };

  /** 64 MB that are made while they are sent; says when it has begun and whether it was closed. */
  const endless = (): { image: EngineImage; begun: Promise<void>; closed: Promise<void> } => {
    const signs = new EventEmitter();
    const begun = once(signs, 'begun').then(() => undefined);
    const closed = once(signs, 'closed').then(() => undefined);
    const image: EngineImage = {
      ...imageOf(Buffer.alloc(0)),
      byteSize: 64_000_000,
      async *chunks() {
        try {
          for (let at = 0; at < 64; at += 1) {
            yield Buffer.alloc(1_000_000);
            signs.emit('begun');
          }
        } finally {
          signs.emit('closed');
        }
      },
    };
    return { image, begun, closed };
  };
  const withImage = (image: EngineImage): Partial<ChatGeneration> => ({
    messages: [{ role: 'user', content: [{ type: 'image', image }] }],
  });

  const untilClosed = async (socket: Socket): Promise<void> => {
    if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
  };

  describe('a reset', () => {
    it('of a connection that was idle is made good with one more try', async () => {
      const first = read();
      await answer(await engine.next(), 'one');
      expect(await first).toBe('one');
      const second = read();
      (await engine.next()).socket.resetAndDestroy();
      await answer(await engine.next(), 'two');
      expect(await second).toBe('two');
      expect(engine.connections).toBe(2);
    });

    it('before the first byte is made good once, not twice', async () => {
      const failed = failure(read());
      (await engine.next()).socket.resetAndDestroy();
      (await engine.next()).socket.resetAndDestroy();
      expect((await failed).code).toBe('BACKEND_ERROR');
      expect(engine.connections).toBe(2);
    });

    it.each([
      ['the head', 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\n'],
      [
        'a comment',
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\n: hi\n\n',
      ],
      [
        'half an answer',
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 999\r\n\r\n${streamOf('x').slice(0, 80)}`,
      ],
      [
        'half an error',
        'HTTP/1.1 500 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"err',
      ],
    ])('after %s is never made good', async (_name, bytes) => {
      const failed = failure(read());
      const { socket, body } = await engine.next();
      await body();
      await new Promise((resolve) => socket.write(bytes, resolve));
      socket.end();
      const error = await failed;
      expect(error.code).toBe('BACKEND_ERROR');
      expect(isEngineGone(error)).toBe(false);
      expect(engine.connections).toBe(1);
    });
  });

  it('leaves an idle connection before vLLM’s 5 s are over', async () => {
    const reading = read();
    const request = await engine.next();
    await answer(request, 'x');
    await reading;
    const { socket } = request;
    const late = setTimeout(() => socket.destroy(new Error('5 s')), 5000);
    let problem: Error | undefined;
    socket.on('error', (error) => {
      problem = error;
    });
    await untilClosed(socket);
    clearTimeout(late);
    expect(problem).toBeUndefined();
  });

  describe('an abort destroys the socket', () => {
    it('while the body is being sent, and lets go of the image', async () => {
      const { image, begun, closed } = endless();
      const controller = new AbortController();
      const failed = failure(read(withImage(image), controller.signal));
      const { socket } = await engine.next();
      await begun;
      const gone = untilClosed(socket);
      controller.abort();
      socket.resume();
      await gone;
      await closed;
      expect((await failed).code).toBe('CANCELLED');
    });

    it('while the head is awaited', async () => {
      const controller = new AbortController();
      const failed = failure(read({}, controller.signal));
      const { socket, body } = await engine.next();
      await body();
      const gone = untilClosed(socket);
      controller.abort();
      await gone;
      expect((await failed).code).toBe('CANCELLED');
    });

    it('while the body of an error is awaited', async () => {
      const controller = new AbortController();
      const failed = failure(read({}, controller.signal));
      const { socket, body } = await engine.next();
      await body();
      const gone = untilClosed(socket);
      await new Promise((resolve) => {
        socket.write('HTTP/1.1 500 X\r\ncontent-length: 9\r\n\r\n', resolve);
      });
      controller.abort();
      await gone;
      expect((await failed).code).toBe('CANCELLED');
    });

    it('or takes the request out of the line when it has none yet', async () => {
      await restart({ connections: 1 });
      const first = read();
      const busy = await engine.next();
      const controller = new AbortController();
      const waiting = failure(read({}, controller.signal));
      const third = read();
      controller.abort();
      expect((await waiting).code).toBe('CANCELLED');
      await answer(busy, 'one');
      expect(await first).toBe('one');
      await answer(await engine.next(), 'three');
      expect(await third).toBe('three');
    });

    it('of vectors and scores, too', async () => {
      const ids = { kind: 'chat' as const, requestId: 'r', model: 'm' };
      for (const ask of [
        (signal: AbortSignal) => backend.embed({ ...ids, inputs: ['a'] }, signal),
        (signal: AbortSignal) => backend.rerank({ ...ids, query: 'q', documents: ['a'] }, signal),
      ]) {
        const controller = new AbortController();
        const failed = failure(ask(controller.signal));
        const { socket } = await engine.next();
        const gone = untilClosed(socket);
        controller.abort();
        socket.resume();
        await gone;
        expect((await failed).code).toBe('CANCELLED');
      }
    });
  });

  describe('an answer that comes while the body is still being sent', () => {
    it.each([
      [
        'a refusal',
        response(413, 'application/json', '{"error":{"message":"too large"}}'),
        'PAYLOAD_TOO_LARGE',
      ],
      ['a refused key', response(401, 'application/json', '{"error":"Unauthorized"}'), 'BACKEND_ERROR'],
      [
        'a full queue',
        response(503, 'application/json', '{"detail":"full"}', 'retry-after: 9\r\n'),
        'QUEUE_FULL',
      ],
    ])('counts (%s), and ends the sending', async (_name, bytes, code) => {
      const { image, begun, closed } = endless();
      const failed = failure(read(withImage(image)));
      const { socket } = await engine.next();
      await begun;
      socket.write(bytes);
      expect((await failed).code).toBe(code);
      socket.resume();
      await closed;
      expect(engine.connections).toBe(1);
    });
  });

  describe('what is no answer', () => {
    it.each([
      ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
      ['a redirect', 'HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'],
      ['a page', response(200, 'text/html', '<html>login</html>')],
      ['no content type', 'HTTP/1.1 200 X\r\ncontent-length: 2\r\n\r\n{}'],
      ['JSON that is cut', response(200, 'application/json', '{"choices":[')],
      ['a proxy’s page', response(502, 'text/html', '<html>Bad Gateway</html>')],
      ['a proxy’s time limit', response(504, 'text/html', '<html>Gateway Time-out</html>')],
    ])('is the engine’s failure: %s', async (_name, bytes) => {
      const failed = failure(read());
      const { socket, body } = await engine.next();
      await body();
      socket.end(bytes);
      const error = await failed;
      expect(error).toMatchObject({ code: 'BACKEND_ERROR', message: 'The engine failed to answer.' });
      expect(isEngineGone(error)).toBe(false);
    });
  });

  it('reads one JSON answer where a stream was asked for', async () => {
    const reading = read();
    const { socket, body } = await engine.next();
    await body();
    const choices = [{ index: 0, message: { content: 'whole' }, finish_reason: 'stop' }];
    const whole = { choices, usage: { prompt_tokens: 1, completion_tokens: 1 } };
    socket.write(response(200, 'application/json; charset=utf-8', JSON.stringify(whole)));
    expect(await reading).toBe('whole');
  });

  it('reads an error that came as one JSON answer with a 200', async () => {
    const failed = failure(read());
    const { socket, body } = await engine.next();
    await body();
    socket.write(response(200, 'application/json', '{"object":"error","message":"top_p is odd","code":400}'));
    expect(await failed).toMatchObject({ code: 'INVALID_REQUEST', message: 'top_p is odd' });
  });

  it('sends ids and the trace context, and no header that is none', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const reading = read({ traceparent });
    const first = await engine.next();
    await answer(first, 'x');
    await reading;
    expect(first.head).toMatch(new RegExp(`^traceparent: ${traceparent}\r$`, 'im'));
    expect(first.head).toMatch(/^x-request-id: 01920000-0000-7000-8000-000000000003\r$/im);
    const again = read({ traceparent: '00-evil\r\nx-evil: 1' });
    const second = await engine.next();
    await answer(second, 'x');
    await again;
    expect(second.head).not.toMatch(/traceparent|evil/i);
  });

  it('sends a request with lost images once more, without our keys for them', async () => {
    const lost = response(
      500,
      'application/json',
      `{"error":{"message":"Expected a cached item for mm_hash='k'"}}`,
    );
    const image = { ...imageOf(Buffer.from('abc')), uuid: 'k' };
    const reading = read(withImage(image));
    const first = await engine.next();
    expect((await first.body()).toString()).toContain('"uuid":"k"');
    first.socket.write(lost);
    const second = await engine.next();
    const body = await second.body();
    expect(body.toString()).toContain('base64,YWJj');
    expect(body.toString()).not.toContain('uuid');
    second.socket.write(response(200, 'text/event-stream', streamOf('seen')));
    expect(await reading).toBe('seen');

    const failed = failure(read(withImage(imageOf(Buffer.from('abc')))));
    const third = await engine.next();
    await third.body();
    third.socket.write(lost);
    expect((await failed).code).toBe('BACKEND_ERROR');
  });
});
