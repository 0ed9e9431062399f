import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Backend, ChatGeneration, EngineImage } from '../../index.js';
import { createOpenAiHttpBackend } from '../../openai-http.js';

const chunkBytes = 384 * 1024;
const chunks = 128;

const answer = [
  '{"choices":[{"index":0,"delta":{"content":"seen"},"finish_reason":"stop"}]}',
  '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}',
  '[DONE]',
];

function sendAnswer(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(answer.map((data) => `data: ${data}\n\n`).join(''));
}

/** 48 MiB, more than the kernel takes; no chunk is like another one, and all of them are in the same memory. */
class BigImage implements EngineImage {
  readonly mediaType = 'image/png';
  readonly byteSize = chunks * chunkBytes;
  readonly path = 'messages[0].content[0].image_url.url';
  given = 0;
  runs = 0;
  #signalEnd: () => void = () => undefined;
  /** Resolves when a run was left, wherever it was. */
  readonly left = new Promise<void>((resolve) => {
    this.#signalEnd = resolve;
  });

  async *chunks(): AsyncGenerator<Uint8Array> {
    this.runs += 1;
    this.given = 0;
    const memory = Buffer.alloc(chunkBytes);
    try {
      for (; this.given < chunks; this.given += 1) yield memory.fill(`${this.given} `);
    } finally {
      this.#signalEnd();
    }
  }

  /** Adds this image's base64 to a digest. */
  async addTo(hash: Hash): Promise<void> {
    for await (const chunk of this.chunks()) hash.update(Buffer.from(chunk).toString('base64'));
  }

  /** Resolves when no more is taken of it. */
  async untilStalled(): Promise<void> {
    for (let before = -1; before < this.given || this.given === 0; ) {
      before = this.given;
      await pause(50);
    }
  }
}

describe('openai-http with a big body', () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of cleanUp.splice(0).reverse()) await end();
  });

  async function start(
    engine: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<Backend> {
    const server = createServer(engine).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const backend = createOpenAiHttpBackend({ baseUrl: `http://127.0.0.1:${port}` });
    cleanUp.push(
      async () => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      },
      () => backend.close(),
    );
    return backend;
  }

  async function send(backend: Backend, image: EngineImage, signal?: AbortSignal): Promise<string> {
    const request: ChatGeneration = {
      kind: 'chat' as const,
      requestId: '01920000-0000-7000-8000-000000000003',
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'image', image }] }],
      sampling: {},
    };
    let text = '';
    for await (const events of backend.generate(request, signal ?? new AbortController().signal)) {
      for (const event of events) if (event.type === 'text-delta') text += event.text;
    }
    return text;
  }

  it('waits for an engine that reads late, and changes nothing that is on its way', async () => {
    const image = new BigImage();
    const seen = createHash('sha256');
    const length = { declared: 0, read: 0 };
    let givenBeforeRead = 0;
    const read = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      await image.untilStalled();
      givenBeforeRead = image.given;
      length.declared = Number(request.headers['content-length']);
      const start = '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"';
      let skip = `${start}data:image/png;base64,`.length;
      let left = (image.byteSize / 3) * 4;
      for await (const piece of request as AsyncIterable<Buffer>) {
        length.read += piece.length;
        const text = piece.subarray(skip).subarray(0, left);
        skip -= Math.min(skip, piece.length);
        left -= text.length;
        seen.update(text);
      }
      sendAnswer(response);
    };
    const backend = await start((request, response) => void read(request, response));
    expect(await send(backend, image)).toBe('seen');
    expect(givenBeforeRead).toBeLessThan(chunks);
    expect(length.read).toBe(length.declared);
    const expected = createHash('sha256');
    await new BigImage().addTo(expected);
    expect(seen.digest('hex')).toBe(expected.digest('hex'));
  });

  it('reads the refusal of an engine that has not read the body, and stops making it', async () => {
    const image = new BigImage();
    const backend = await start((_request, response) => {
      response.writeHead(413, { 'content-type': 'application/json', connection: 'close' });
      response.end('{"error":{"message":"too large"}}');
    });
    await expect(send(backend, image)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    await image.left;
    expect(image.given).toBeLessThan(chunks);
    expect(image.runs).toBe(1);
  });

  it('ends the socket and the reading of images when it is aborted in the middle of the body', async () => {
    const image = new BigImage();
    const stop = new AbortController();
    let whenAsked: (request: IncomingMessage) => void;
    const broken = new Promise<void>((resolve, reject) => {
      whenAsked = (request) => {
        request.once('error', () => resolve()).once('end', () => reject(new Error('the body came whole')));
        void image.untilStalled().then(() => {
          stop.abort();
          // What the kernel has is in front of the end.
          request.resume();
        });
      };
    });
    const backend = await start((request) => whenAsked(request));
    await expect(send(backend, image, stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    await Promise.all([image.left, broken]);
    expect(image.given).toBeLessThan(chunks);
  });

  it('begins anew when an engine resets the connection in the middle of the body', async () => {
    const image = new BigImage();
    let requests = 0;
    const backend = await start((request, response) => {
      requests += 1;
      if (requests === 1) void image.untilStalled().then(() => request.socket.resetAndDestroy());
      else request.resume().once('end', () => sendAnswer(response));
    });
    expect(await send(backend, image)).toBe('seen');
    expect(image.runs).toBe(2);
  });
});
