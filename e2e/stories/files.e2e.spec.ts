import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import OpenAI, { toFile } from 'openai';
import { crossPicture, dataUrl, imagePart, plainPicture } from '../support/pictures.js';
import { keys, System } from '../support/system.js';
import { until } from '../support/until.js';
import { workerToml } from '../support/workers.js';

const FILE_PATH = 'messages[0].content[0].image_file.file_id';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The part is ours, so OpenAI's types do not know it. */
const filePart = (id: string): OpenAI.ChatCompletionContentPart =>
  ({ type: 'image_file', image_file: { file_id: id } }) as unknown as OpenAI.ChatCompletionContentPart;

describe('a picture that is sent once', () => {
  let engine: FakeVllm;
  let system: System;
  let client: OpenAI;
  let stranger: OpenAI;
  let redis: Redis;
  let picture: Buffer;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    const env = { GATEWAY_MAX_BODY_BYTES: '2000000', FILE_MAX_PER_TENANT: '3', ADAPTER_MEDIA_SLOTS: '1' };
    system = await System.start({ engineUrl: engine.url, env });
    await system.startAdapter('vlm', workerToml('vlm'));
    await system.startAdapter('text', workerToml('text-only', { multimodal: false }));
    await system.untilModel('vlm', 'available');
    await system.untilModel('text-only', 'available');
    const clientOf = (apiKey: string): OpenAI =>
      new OpenAI({ baseURL: `${system.url}/v1`, apiKey, maxRetries: 0 });
    client = clientOf(keys.alpha);
    stranger = clientOf(keys.beta);
    redis = new Redis(system.redis.url);
    picture = await crossPicture('#2222dd', '#ffffff');
  }, 300_000);
  afterAll(async () => {
    redis?.disconnect();
    await system?.untilClean();
    await system?.stop();
    await engine?.close();
  });
  afterEach(async () => {
    for await (const file of client.files.list()) await client.files.delete(file.id);
    await untilNoBlobs();
    expect(await redis.keys('{f:*')).toEqual([]);
  });

  /** Events of answered requests stay a while; `afterAll` waits for those. */
  const untilNoBlobs = (): Promise<boolean> =>
    until('no blob to be left', async () => (await system.leftovers()).blobs.length === 0);
  const upload = async (bytes: Uint8Array = picture, name = 'cross.png'): Promise<OpenAI.FileObject> =>
    client.files.create({ file: await toFile(bytes, name), purpose: 'vision' });
  const ask = (id: string, by = client, model = 'vlm'): Promise<OpenAI.ChatCompletion> =>
    by.chat.completions.create({
      model,
      messages: [{ role: 'user', content: [filePart(id), { type: 'text', text: 'what is it?' }] }],
    });
  const lastImage = (): string | undefined => engine.requests.at(-1)?.images[0]?.sha256;
  const post = (body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Response> =>
    system.fetch('/files', { method: 'POST', body: body ?? null, headers, duplex: 'half' } as RequestInit);
  const refusalOf = async (answer: Response): Promise<unknown> => ({
    status: answer.status,
    ...((await answer.json()) as object),
  });

  it('is asked about twice, and then with another picture beside it', async () => {
    const file = await upload();
    expect(file).toMatchObject({
      id: expect.stringMatching(/^file-[0-9a-f-]{36}$/),
      object: 'file',
      bytes: picture.length,
      filename: 'cross.png',
      purpose: 'vision',
      media_type: 'image/png',
      width: 256,
      height: 256,
    });
    expect((file.expires_at ?? 0) - file.created_at).toBe(86_400);
    for (const _turn of [1, 2]) {
      expect((await ask(file.id)).choices[0]?.finish_reason).toBe('stop');
      expect(lastImage()).toBe(sha256(picture));
    }
    const other = await plainPicture(20, 20);
    const answer = await system.chat({
      model: 'vlm',
      messages: [{ role: 'user', content: [imagePart(dataUrl(other)), filePart(file.id)] }],
    });
    expect(answer.status).toBe(200);
    await answer.json();
    expect(engine.requests.at(-1)?.images.map((image) => image.sha256)).toEqual([
      sha256(other),
      sha256(picture),
    ]);
  });

  it('is listed, shown and deleted, at both addresses', async () => {
    const first = await upload();
    const second = await upload(await plainPicture(30, 20), 'plain.png');
    const listed: string[] = [];
    for await (const file of client.files.list({ limit: 1 })) listed.push(file.id);
    expect(listed).toEqual([second.id, first.id]);
    expect(await client.files.retrieve(first.id)).toEqual(first);
    expect(await (await system.fetch(`/files/${first.id}`)).json()).toEqual(first);
    expect(await client.files.delete(first.id)).toEqual({ id: first.id, object: 'file', deleted: true });
    await expect(client.files.retrieve(first.id)).rejects.toMatchObject({ status: 404, code: 'NOT_FOUND' });
    await expect(client.files.delete(first.id)).rejects.toMatchObject({ status: 404 });
    await expect(ask(first.id)).rejects.toMatchObject({ status: 404, code: 'NOT_FOUND', param: FILE_PATH });
  });

  it('is invisible to other tenants', async () => {
    const file = await upload();
    await expect(stranger.files.retrieve(file.id)).rejects.toMatchObject({ status: 404, code: 'NOT_FOUND' });
    await expect(stranger.files.delete(file.id)).rejects.toMatchObject({ status: 404 });
    await expect(ask(file.id, stranger)).rejects.toMatchObject({ status: 404, param: FILE_PATH });
    expect((await stranger.files.list()).data).toEqual([]);
    expect((await ask(file.id)).choices[0]?.finish_reason).toBe('stop');
  });

  it('is stored once however often it is uploaded', async () => {
    const bytesStored = async (): Promise<string[]> =>
      (await system.leftovers()).blobs.filter((name) => /^[0-9a-f]{64}$/.test(name));
    const first = await upload();
    const before = new Set(await bytesStored());
    const second = await upload();
    expect(new Set(await bytesStored())).toEqual(before);
    await client.files.delete(first.id);
    expect((await ask(second.id)).choices[0]?.finish_reason).toBe('stop');
    expect(lastImage()).toBe(sha256(picture));
  });

  it('stays with a waiting request when its file is deleted', async () => {
    const [mine, other] = [await upload(), await upload(await plainPicture(8, 8))];
    const hold = engine.hold();
    const running = ask(other.id);
    await hold.reached();
    const waiting = ask(mine.id);
    await until('the second request to be queued', async () => {
      const ids = (await system.leftovers()).keys.map((key) => /[0-9a-f-]{36}/.exec(key)?.[0]);
      return new Set(ids).size >= 2;
    });
    await client.files.delete(mine.id);
    hold.release();
    await running;
    expect((await waiting).choices[0]?.finish_reason).toBe('stop');
    expect(lastImage()).toBe(sha256(picture));
  });

  it('expires', async () => {
    const file = await client.files.create({
      file: await toFile(picture, 'cross.png'),
      purpose: 'user_data',
      expires_after: { anchor: 'created_at', seconds: 1 },
    });
    expect((file.expires_at ?? 0) - file.created_at).toBe(1);
    await until('the file to expire', async () => (await system.fetch(`/files/${file.id}`)).status === 404);
    await expect(ask(file.id)).rejects.toMatchObject({ status: 404, param: FILE_PATH });
    expect((await client.files.list()).data).toEqual([]);
  });

  it('is refused by a model that takes no pictures, naming the part', async () => {
    const file = await upload();
    await expect(ask(file.id, client, 'text-only')).rejects.toMatchObject({
      code: 'MISSING_CAPABILITY',
      param: FILE_PATH,
    });
  });

  it('is refused when it is damaged or too large, and leaves nothing', async () => {
    for (const [bytes, code] of [
      [picture.subarray(0, -20), 'INVALID_IMAGE'],
      [Buffer.from('this is no picture'), 'INVALID_IMAGE'],
      [await plainPicture(4001, 1), 'IMAGE_TOO_LARGE'],
      [Buffer.alloc(0), 'INVALID_REQUEST'],
    ] as const) {
      await expect(upload(bytes)).rejects.toMatchObject({ status: 400, code, param: 'file' });
      await untilNoBlobs();
    }
  });

  it('is refused without its form', async () => {
    const form = new FormData();
    form.set('file', new File([picture], 'cross.png'));
    expect(await refusalOf(await post(form))).toMatchObject({ status: 400, error: { param: 'purpose' } });
    form.set('purpose', 'fine-tune');
    expect(await refusalOf(await post(form))).toMatchObject({ status: 400, error: { param: 'purpose' } });
    expect(await refusalOf(await post('{}', { 'content-type': 'application/json' }))).toMatchObject({
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
    });
    const wrong = { 'content-type': 'multipart/form-data; boundary=other' };
    expect(await refusalOf(await post('--one\r\n\r\n--one--', wrong))).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
    });
  });

  it('is counted against the body limit, declared or not', async () => {
    const form = new FormData();
    form.set('purpose', 'vision');
    form.set('file', new File([Buffer.concat([picture, Buffer.alloc(2_000_000)])], 'big.png'));
    const tooLarge = { status: 413, code: 'PAYLOAD_TOO_LARGE' };
    expect(await refusalOf(await post(form))).toMatchObject(tooLarge);
    const request = new Request('http://h/', { method: 'POST', body: form });
    const headers = { 'content-type': request.headers.get('content-type') ?? '' };
    expect(await refusalOf(await post(request.body, headers))).toMatchObject(tooLarge);
  });

  it('arrives byte by byte', async () => {
    const small = await plainPicture(3, 2);
    const body = Buffer.concat([
      Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'),
      small,
      Buffer.from('\r\n--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n--b--\r\n'),
    ]);
    const bytes = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of body) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const answer = await post(bytes, { 'content-type': 'multipart/form-data; boundary=b' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ bytes: small.length, width: 3, height: 2 });
  });

  it('leaves nothing when its upload is cut off', async () => {
    const { port } = new URL(system.url);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n';
    socket.write(
      `POST /v1/files HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${keys.alpha}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 500000\r\n\r\n${head}`,
    );
    socket.write(picture.subarray(0, 200));
    await until('the upload to be under way', async () => (await system.leftovers()).blobs.length > 0);
    socket.destroy();
    await untilNoBlobs();
    expect((await client.files.list()).data).toEqual([]);
  });

  it('finds no room when a tenant has too many, and others do', async () => {
    for (let count = 0; count < 3; count += 1) await upload();
    const form = new FormData();
    form.set('purpose', 'vision');
    form.set('file', new File([picture], 'cross.png'));
    const answer = await post(form);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(86_000);
    expect(await refusalOf(answer)).toMatchObject({
      status: 429,
      error: { code: 'RATE_LIMITED', limit: { name: 'max_files_per_tenant', value: 3 } },
    });
    const theirs = await stranger.files.create({ file: await toFile(picture, 'a.png'), purpose: 'vision' });
    await stranger.files.delete(theirs.id);
  });
});
