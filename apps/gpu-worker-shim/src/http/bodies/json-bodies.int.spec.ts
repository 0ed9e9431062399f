import { type ClientRequest, request as httpRequest } from 'node:http';
import { createLogger } from '@fovea/observability';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { CallThread } from '../../engine/threads/call-thread.js';
import type { ChatModelRequest } from '../../models/chat-model.js';
import { createShimTelemetry } from '../../telemetry/shim-telemetry.js';
import { ServedModels } from '../served-models.js';
import { createShimServer } from '../shim-server.js';
import { choicePieces, ScriptedModel } from '../testing/scripted-model.js';
import { BodyParser } from './body-parser.js';
import { LARGE_BODY_BYTES } from './collect-body.js';
import { jsonLimits } from './json-limits.js';
import { BodyMemory } from './large-body.js';
import type { BodyAnswer, BodyCall } from './thread/body-protocol.js';

// Small bodies and the same ones made large by blanks. The thread runs from dist: build before.

const MIB = 2 ** 20;
const CHAT = '/v1/chat/completions';

const startThread = (script = 'http/bodies/thread/body-entry.js') =>
  CallThread.start<BodyCall, BodyAnswer, undefined>(script, undefined);

const open: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** A server whose threads are started by `start`. */
async function serve(start: () => ReturnType<typeof startThread> = startThread, memory = new BodyMemory()) {
  const model = new ScriptedModel('eyes', choicePieces(0, ['Hello']));
  let starts = 0;
  const counted = () => {
    starts += 1;
    return start();
  };
  const server = createShimServer({
    models: new ServedModels([model]),
    telemetry: createShimTelemetry(),
    logger: createLogger({ service: 'test', level: 'silent' }),
    version: '9.9.9',
    apiKey: undefined,
    shutdown: new AbortController().signal,
    bodies: { memory, parser: new BodyParser(counted) },
  });
  open.push(server);
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  const post = (body: string, path = CHAT) =>
    fetch(`${address}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'same' },
      body,
    });
  return { model, memory, address, post, starts: () => starts };
}

const enlarged = (body: string): string => body + ' '.repeat(LARGE_BODY_BYTES);
const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise(setImmediate);
};

/** A request without what differs between the ways: who holds the bytes, and whether they are hashed already. */
const plain = (request: ChatModelRequest) => ({
  ...request,
  messages: request.messages.map((message) => ({
    ...message,
    content: message.content.map((part) =>
      part.type === 'text' ? part : { path: part.image.path, bytes: [...part.image.bytes] },
    ),
  })),
});

const chat = (content: unknown, rest: object = {}) =>
  JSON.stringify({ messages: [{ role: 'user', content }], ...rest });
const image = (url: unknown) => ({ type: 'image_url', image_url: { url } });
const urlOf = (text: string) => `data:image/png;base64,${Buffer.from(text).toString('base64')}`;
const nested = (depth: number) =>
  `{"messages":[{"role":"user","content":"hi"}],"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;

describe('a large body', () => {
  it.each<[string, number, string, string?]>([
    ['a text', 200, chat('hi')],
    ['texts beyond ASCII', 200, chat([{ type: 'text', text: 'ü 字 \u{1f600} \ud800' }], { name: 'é' })],
    ['images', 200, chat([image(urlOf('one')), { type: 'text', text: 'and' }, { image_url: urlOf('two') }])],
    ['a data URL as text', 200, chat([{ type: 'text', text: urlOf('one') }])],
    [
      'sampling',
      200,
      chat('hi', { max_tokens: 5, temperature: null, stop: ['x'], logit_bias: { 12: -3 }, seed: 7 }),
    ],
    ['a name for a taken image', 400, chat([image('taken:0/0')])],
    ['broken base64', 400, chat([image('data:image/png;base64,QUI')])],
    ['a line break in base64', 400, chat([image('data:image/png;base64,QUJD\nQUJD')])],
    ['an empty image', 400, chat([image('data:image/png;base64,')])],
    ['a URL that is no text', 400, chat([image(7)])],
    ['a link', 400, chat([image('https://example.org/a.png')])],
    ['a file', 500, chat([image('file:///etc/passwd')])],
    [
      'a broken image behind a wrong part',
      400,
      chat([{ type: 'smell' }, image('data:image/png;base64,QUI')]),
    ],
    ['a broken image beside a wrong field', 400, chat([image('data:image/png;base64,QUI')], { n: 'two' })],
    ['a wrong field', 400, chat('hi', { temperature: -1 })],
    ['no model of that name', 404, chat('hi', { model: 'other' })],
    ['no JSON', 400, '{"messages":'],
    ['a raw line break in a text', 400, '{"messages":"\n"}'],
    ['an array', 400, '[]'],
    ['a word', 400, '"messages"'],
    ['nothing', 400, 'null'],
    [
      'fields that are named like a part of an object',
      200,
      '{"__proto__":{"n":2},"messages":[{"role":"user","content":"hi","constructor":{"prototype":1}}]}',
    ],
    ['the deepest nesting', 200, nested(jsonLimits.depth - 1)],
    ['deeper nesting', 400, nested(jsonLimits.depth)],
    [
      'a route of another kind',
      400,
      JSON.stringify({ prompt_items: [image(urlOf('one'))] }),
      '/v1/completions',
    ],
    ['no route', 404, chat('hi'), '/v1/nothing'],
    ['another method', 405, chat('hi'), '/v1/models'],
    ['a probe', 200, chat('hi'), '/ping'],
  ])('is answered as a small one: %s', async (_what, status, body, path = CHAT) => {
    const { model, memory, post, starts } = await serve();
    const small = await post(body, path);
    const smallText = await small.text();
    expect(small.status).toBe(status);
    expect(starts()).toBe(0);
    const large = await post(enlarged(body), path);
    const withoutTime = (text: string) => text.replace(/"created":\d+/, '');
    expect([large.status, withoutTime(await large.text())]).toEqual([status, withoutTime(smallText)]);
    expect(large.headers.get('content-type')).toBe(small.headers.get('content-type'));
    expect(starts()).toBe(1);
    // The models were asked for the same, but for the digests that the thread has made along the way.
    const [first, second] = model.requests.map(plain);
    expect(second).toEqual(first);
    await until(() => memory.bytes === 0);
  });

  it('hands over images that are alone in their buffers, with their digests', async () => {
    const { model, post } = await serve();
    const bytes = Buffer.alloc(3 * MIB, 'pixels');
    const content = [image(`data:image/png;base64,${bytes.toString('base64')}`), image(urlOf('abc'))];
    expect((await post(chat(content))).status).toBe(200);
    const images = model.requests[0]!.messages[0]!.content.flatMap((part) =>
      part.type === 'image' ? [part.image] : [],
    );
    expect(images.map(({ path }) => path)).toEqual(
      [0, 1].map((at) => `messages[0].content[${at}].image_url.url`),
    );
    expect(Buffer.from(images[0]!.bytes).equals(bytes)).toBe(true);
    expect(images.map(({ bytes: { buffer } }) => buffer.byteLength)).toEqual([bytes.length, 3]);
    expect(images[1]!.sha256).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });

  it('keeps long texts whole', async () => {
    const { model, post } = await serve();
    const text = Array.from({ length: 300_000 }, (_, at) => `${at} ü`).join('');
    expect((await post(chat(text))).status).toBe(200);
    expect(model.requests[0]?.messages[0]?.content).toEqual([{ type: 'text', text }]);
  });

  it('holds up nobody while it is parsed, and is held in memory until it is answered', async () => {
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { model, memory, address, post } = await serve(() => gate.then(() => startThread()));
    model.hangs = true;
    const leaving = new AbortController();
    const answer = fetch(`${address}${CHAT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: enlarged(chat('hi', { stream: true })),
      signal: leaving.signal,
    });
    await until(() => memory.bytes === MIB);
    expect((await fetch(`${address}/health`)).status).toBe(200);
    expect((await post('{}')).status).toBe(400);
    expect(model.requests).toHaveLength(0);
    goOn();
    await answer;
    expect(model.requests).toHaveLength(1);
    expect(memory.bytes).toBe(MIB);
    leaving.abort();
    await model.aborted;
    await until(() => memory.bytes === 0);
  });

  it('is refused with 503 when others take all memory, and taken when they have left', async () => {
    const { model, memory, post } = await serve(startThread, new BodyMemory(2 * MIB));
    const large = chat('x'.repeat(2 * MIB));
    const refused = await post(large);
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { error: { type: 'ServiceUnavailableError' } },
    ]);
    expect(memory.bytes).toBe(0);
    expect((await post(chat('x'.repeat(MIB)))).status).toBe(200);
    expect(model.requests).toHaveLength(1);
  });

  it('is a 500 when the thread dies of it, and the next one has a new thread', async () => {
    let lives = 0;
    const { memory, post, starts } = await serve(() => {
      lives += 1;
      return startThread(lives === 1 ? '../src/http/bodies/testing/dying-thread.mjs' : undefined);
    });
    const failed = await post(enlarged(chat('hi')));
    expect([failed.status, await failed.json()]).toMatchObject([
      500,
      { error: { message: 'Internal server error' } },
    ]);
    expect((await post(enlarged(chat('hi')))).status).toBe(200);
    expect(starts()).toBe(2);
    await until(() => memory.bytes === 0);
  });
});

describe('a client that leaves', () => {
  const begin = (address: string): ClientRequest => {
    const request = httpRequest(`${address}${CHAT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    request.on('error', () => undefined);
    return request;
  };

  it('in the middle of its body leaves nothing behind', async () => {
    const { model, memory, address, post, starts } = await serve();
    const request = begin(address);
    request.write(`{"padding":"${'x'.repeat(3 * MIB)}`);
    await until(() => memory.bytes >= 3 * MIB);
    request.destroy();
    await until(() => memory.bytes === 0);
    expect(starts()).toBe(0);
    expect((await post(enlarged(chat('hi')))).status).toBe(200);
    expect(model.requests).toHaveLength(1);
  });

  it('while its body is parsed, or waits for that, asks no model and leaves nothing behind', async () => {
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { model, memory, address, post } = await serve(() => gate.then(() => startThread()));
    const requests = [begin(address), begin(address)];
    for (const request of requests) request.end(enlarged(chat('hi')));
    await until(() => memory.bytes === 2 * MIB);
    const staying = post(enlarged(chat('hello')));
    await until(() => memory.bytes === 3 * MIB);
    for (const request of requests) {
      const closed = new Promise((resolve) => request.once('close', resolve));
      request.destroy();
      await closed;
    }
    // The one that waits is dropped at once; the other one is in the hands of the thread.
    await until(() => memory.bytes === 2 * MIB);
    goOn();
    expect((await staying).status).toBe(200);
    expect(model.requests).toHaveLength(1);
    await until(() => memory.bytes === 0);
  });
});
