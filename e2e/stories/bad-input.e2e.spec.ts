import { once } from 'node:events';
import { connect } from 'node:net';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { dataUrl, imagePart, plainPicture } from '../support/pictures.js';
import { System } from '../support/system.js';
import { workerToml } from '../support/workers.js';

const IMAGE_PATH = 'messages[0].content[1].image_url.url';
const ask = (url: string, model = 'vlm'): unknown => ({
  model,
  messages: [{ role: 'user', content: [{ type: 'text', text: 'what is it?' }, imagePart(url)] }],
});
const hello = { model: 'vlm', messages: [{ role: 'user', content: 'hello' }] };

describe('bad input gets a clear answer and leaves nothing behind', () => {
  let engine: FakeVllm;
  let system: System;
  let small: string;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url, env: { GATEWAY_MAX_BODY_BYTES: '2000000' } });
    await system.startAdapter('vlm', workerToml('vlm'));
    await system.startAdapter('text', workerToml('text-only', { multimodal: false }));
    await system.startAdapter('counted', workerToml('counted', { imageFamily: 'qwen2_5_vl' }));
    await system.untilModel('vlm', 'available');
    small = dataUrl(await plainPicture(20, 20));
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });
  afterEach(() => system.untilClean());

  const errorOf = async (answer: Response): Promise<Record<string, unknown>> => {
    const body: unknown = await answer.json();
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(body)).not.toMatch(/node_modules|127\.0\.0\.1|at .*\.js/);
    return body as Record<string, unknown>;
  };

  it.each([
    ['no key', { authorization: '' }],
    ['a wrong key', { authorization: 'Bearer nobody' }],
    ['another scheme', { authorization: 'Basic a2V5' }],
  ])('answers 401 to %s', async (_name, headers) => {
    const answer = await system.chat(hello, { headers });
    expect(answer.status).toBe(401);
    expect(await errorOf(answer)).toMatchObject({ code: 'UNAUTHORIZED', error: { code: 'UNAUTHORIZED' } });
  });

  it.each([
    ['POST', '/v1/nothing', 404, 'NOT_FOUND'],
    ['GET', '/nothing', 404, 'NOT_FOUND'],
    ['GET', '/v1/chat/completions', 405, 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/models', 405, 'METHOD_NOT_ALLOWED'],
    ['QUERY', '/models', 405, 'METHOD_NOT_ALLOWED'],
    ['QUERY', '/nowhere', 404, 'NOT_FOUND'],
  ])('answers %s %s with %i', async (method, path, status, code) => {
    const answer = await system.fetch(path, { method });
    expect(answer.status).toBe(status);
    expect(await errorOf(answer)).toMatchObject({ code });
    if (status === 405) expect(answer.headers.get('allow')).toBeTruthy();
  });

  it('answers Pharia-native routes in the flat form', async () => {
    const answer = await system.fetch('/model-settings', { headers: { authorization: '' } });
    expect(await errorOf(answer)).toEqual({ error: expect.any(String), code: 'UNAUTHORIZED' });
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
  ])('answers 415 to the content type %s', async (type) => {
    const answer = await system.chat(hello, { headers: { 'content-type': type } });
    expect(answer.status).toBe(415);
    expect(await errorOf(answer)).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
  });

  it.each([
    ['nothing', ''],
    ['half a document', '{"model": "vlm", "messages": ['],
    ['a list', '[]'],
    ['a number', '7'],
    ['null', 'null'],
  ])('answers 400 to %s as body', async (_name, body) => {
    const answer = await system.chat(body);
    expect(answer.status).toBe(400);
    expect(await errorOf(answer)).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('names the path of empty messages', async () => {
    const answer = await system.chat({ model: 'vlm', messages: [] });
    expect(answer.status).toBe(400);
    expect(await errorOf(answer)).toMatchObject({ error: { code: 'INVALID_REQUEST', param: 'messages' } });
  });

  it('answers 404 to a model that nobody offers, and stores nothing of its picture', async () => {
    const answer = await system.chat(ask(small, 'no-such-model'));
    expect(answer.status).toBe(404);
    expect(await errorOf(answer)).toMatchObject({ error: { code: 'UNKNOWN_MODEL', param: 'model' } });
  });

  it('refuses a picture for a model without multimodal_enabled, naming the part', async () => {
    await system.untilModel('text-only', 'available');
    const answer = await system.chat(ask(small, 'text-only'));
    expect(answer.status).toBe(400);
    expect(await errorOf(answer)).toMatchObject({ error: { code: 'MISSING_CAPABILITY', param: IMAGE_PATH } });
  });

  it.each([
    'http://127.0.0.1:1/x.png',
    'https://example.org/x.png',
    'file:///etc/passwd',
    'ftp://example.org/x',
  ])('refuses the link %s without fetching it', async (url) => {
    const answer = await system.chat(ask(url));
    expect(answer.status).toBe(400);
    expect(await errorOf(answer)).toMatchObject({ error: { code: 'EXTERNAL_IMAGE_URL', param: IMAGE_PATH } });
  });

  it.each([
    ['broken base64', 'data:image/png;base64,iVBOR*0KGgo='],
    ['cut base64', 'data:image/png;base64,iVBOR'],
    ['base64 with blanks', 'data:image/png;base64,iVBO Rw0K'],
    ['no image', `data:image/png;base64,${Buffer.from('this is text, not an image').toString('base64')}`],
    ['an empty image', 'data:image/png;base64,'],
    ['no data URL', 'iVBORw0KGgo='],
  ])('refuses %s as INVALID_IMAGE, naming the part', async (_name, url) => {
    const answer = await system.chat(ask(url));
    expect(answer.status).toBe(400);
    expect(await errorOf(answer)).toMatchObject({ error: { code: 'INVALID_IMAGE', param: IMAGE_PATH } });
  });

  it('takes 4000 pixels a side and refuses 4001 from the header alone, with the limit', async () => {
    const fits = await system.chat(ask(dataUrl(await plainPicture(4000, 20))));
    expect(fits.status).toBe(200);
    await fits.json();
    const wide = await plainPicture(4001, 1);
    // Only the header is there: nobody who decodes could judge this file.
    const answer = await system.chat(ask(dataUrl(wide.subarray(0, 60))));
    expect(answer.status).toBe(400);
    expect(await errorOf(answer)).toMatchObject({
      error: {
        code: 'IMAGE_TOO_LARGE',
        param: IMAGE_PATH,
        limit: { name: 'max_image_side_px', value: 4000, actual: 4001 },
      },
    });
  });

  it('refuses a prompt that cannot fit before an engine sees it, naming the picture that is too much', async () => {
    await system.untilModel('counted', 'available');
    const accepted = engine.requests.length;
    // Each is 2691 tokens, and the engine's context 8192.
    const picture = imagePart(dataUrl(await plainPicture(1920, 1080)));
    const answer = await system.chat({
      model: 'counted',
      messages: [{ role: 'user', content: [picture, picture, picture, picture] }],
    });
    expect(answer.status).toBe(400);
    expect(await errorOf(answer)).toMatchObject({
      error: {
        code: 'CONTEXT_LENGTH_EXCEEDED',
        param: 'messages[0].content[3].image_url.url',
        limit: { name: 'max_model_len', value: 8192, actual: 4 * 2691 },
      },
    });
    expect(engine.requests).toHaveLength(accepted);
  });

  it('refuses a body over the limit, declared or not', async () => {
    const body = JSON.stringify({ ...hello, user: 'x'.repeat(2_000_000) });
    const declared = await system.chat(body);
    expect(declared.status).toBe(413);
    expect(await errorOf(declared)).toMatchObject({
      error: { code: 'PAYLOAD_TOO_LARGE', limit: { value: 2_000_000 } },
    });
    const chunked = await system.chat('', {
      body: new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
    expect(await errorOf(chunked)).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });

  it('tells which parameters it ignored', async () => {
    const answer = await system.chat({ ...hello, frobnicate: 1 });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-ignored-params')).toBe('frobnicate');
  });

  it('answers what is no HTTP in the same form, and survives it', async () => {
    const { port } = new URL(system.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('THIS IS NOT HTTP\r\n\r\n');
    const [data] = await once(socket, 'data');
    expect(String(data)).toContain('400');
    expect(String(data)).toContain('INVALID_REQUEST');
    socket.destroy();
    expect((await fetch(`${system.url}/health`)).status).toBe(200);
  });

  it('answers oversized headers with 431', async () => {
    const { port } = new URL(system.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET /health HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`);
    const [data] = await once(socket, 'data');
    expect(String(data)).toMatch(/431[\s\S]*HEADERS_TOO_LARGE/);
    socket.destroy();
  });

  it('counts every refusal by its code, at the door included', async () => {
    const refusals = async (): Promise<Map<string, number>> => {
      const metrics = await (await fetch(`${system.opsUrl}/metrics`)).text();
      const lines = metrics.matchAll(/^fovea_requests_rejected_total\{outcome="(\w+)"[^}]*\} (\d+)/gm);
      return new Map(Array.from(lines, ([, code = '', count]) => [code, Number(count)]));
    };
    const before = await refusals();
    await (await system.chat(hello, { headers: { authorization: '' } })).text();
    await (await system.fetch('/v1/nothing')).text();
    await (await system.chat({ ...hello, user: 'x'.repeat(2_000_000) })).text();
    const after = await refusals();
    for (const code of ['UNAUTHORIZED', 'NOT_FOUND', 'PAYLOAD_TOO_LARGE'])
      expect([code, (after.get(code) ?? 0) - (before.get(code) ?? 0)]).toEqual([code, 1]);
    expect([...after.keys()]).toEqual(expect.arrayContaining(['INVALID_REQUEST', 'HEADERS_TOO_LARGE']));
  });
});
