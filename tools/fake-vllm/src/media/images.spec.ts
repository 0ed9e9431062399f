import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, type FakeVllmOptions, startFakeVllm } from '../index.js';
import { asking, imagePart, metric, png, pngUrl, SpecClient } from '../spec-client.js';
import { qwenImageTokens } from './image-tokens.js';

let folder: string;
const started: FakeVllm[] = [];

async function start(options: FakeVllmOptions = {}): Promise<SpecClient> {
  const fake = await startFakeVllm(options);
  started.push(fake);
  return new SpecClient(fake);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fake-vllm-'));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((fake) => fake.close()));
  await rm(folder, { recursive: true });
});

async function statusOf(client: SpecClient, url: string): Promise<number> {
  return (await client.chat(asking(imagePart(url)))).status;
}

describe('file URLs', () => {
  it('are read beneath the allowed folder and nowhere else', async () => {
    const path = join(folder, 'a b.png');
    await writeFile(path, Buffer.from(png, 'base64'));
    await symlink('/etc/hostname', join(folder, 'link'));
    const client = await start({ allowedLocalMediaPath: folder });
    const url = pathToFileURL(path).href;
    expect(await statusOf(client, url)).toBe(200);
    expect(client.fake.requests[0]?.images).toMatchObject([
      { source: 'file', fileUrl: url, width: 3, height: 2, byteSize: 68 },
    ]);
    expect(await statusOf(client, 'file:///etc/hostname')).toBe(400);
    expect(await statusOf(client, pathToFileURL(join(folder, 'link')).href)).toBe(400);
    expect(await statusOf(client, pathToFileURL(join(folder, 'gone.png')).href)).toBe(500);
    expect(await statusOf(await start(), url)).toBe(500);
  });
});

describe('the processor cache', () => {
  it('knows images by their bytes and counts what it had', async () => {
    const client = await start();
    await client.chat(asking(imagePart(pngUrl)));
    await client.chat(asking(imagePart(pngUrl), imagePart(pngUrl)));
    expect(client.fake.requests.map(({ images }) => images.map((image) => image.isCached))).toEqual([
      [false],
      [true, true],
    ]);
    expect(metric(client.fake.metrics(), 'vllm:mm_cache_queries_total')).toBe(3);
    expect(metric(client.fake.metrics(), 'vllm:mm_cache_hits_total')).toBe(2);
  });

  it('believes a uuid, serves it without an image, and refuses one it does not hold', async () => {
    const client = await start();
    await client.chat(asking(imagePart(pngUrl, { uuid: 'u1' })));
    const bare = { type: 'image_url', image_url: null, uuid: 'u1' };
    expect((await client.chat(asking(bare))).status).toBe(200);
    expect(client.fake.requests.at(-1)?.images).toMatchObject([
      { uuid: 'u1', source: 'cache', isCached: true, width: 3 },
    ]);
    expect((await client.chat(asking({ ...bare, uuid: 'u2' }))).status).toBe(400);
    // Other bytes under the same uuid are not even looked at, which is why no client may choose one.
    expect(await (await client.chat(asking(imagePart('data:,nonsense', { uuid: 'u1' })))).text()).toContain(
      '3x2 68 bytes',
    );
  });

  it('forgets with a restart, and can be off', async () => {
    const client = await start();
    const part = imagePart(pngUrl, { uuid: 'u1' });
    await client.chat(asking(part));
    await client.fake.crash();
    await client.fake.restart();
    await client.chat(asking(part));
    expect(client.fake.requests.at(-1)?.images[0]?.isCached).toBe(false);
    const off = await start({ mmCacheItems: 0 });
    await off.chat(asking(part));
    await off.chat(asking(part));
    expect(off.fake.requests.at(-1)?.images[0]?.isCached).toBe(false);
  });
});

describe('the prefix cache', () => {
  const long = (salt?: string, uuid?: string): Record<string, unknown> => ({
    messages: [
      {
        role: 'user',
        content: [
          imagePart(pngUrl, uuid === undefined ? {} : { uuid }),
          { type: 'text', text: 'w '.repeat(60) },
        ],
      },
    ],
    ...(salt === undefined ? {} : { cache_salt: salt }),
  });
  const hits = (client: SpecClient): (number | undefined)[] =>
    client.fake.requests.map((request) => request.cachedTokens);

  it('hits for the same salt and image only', async () => {
    const client = await start({ promptTokensDetails: true });
    await client.chat(long('a'));
    const again = await client.json('/v1/chat/completions', long('a'));
    await client.chat(long('b'));
    await client.chat(long('a', 'other'));
    expect(hits(client)).toEqual([0, 64, 0, 0]);
    expect(again.usage.prompt_tokens_details).toEqual({ cached_tokens: 64 });
    expect(client.fake.requests.map(({ cacheSalt }) => cacheSalt)).toEqual(['a', 'a', 'b', 'a']);
    expect(metric(client.fake.metrics(), 'vllm:prefix_cache_hits_total')).toBe(64);
    expect(metric(client.fake.metrics(), 'vllm:prompt_tokens_cached_total')).toBe(64);
  });

  it('refuses an empty salt', async () => {
    const client = await start();
    expect((await client.chat({ cache_salt: '' })).status).toBe(400);
  });
});

describe('limits', () => {
  it('counts images over the whole conversation', async () => {
    const client = await start({ maxImagesPerPrompt: 1 });
    const turn = asking(imagePart(pngUrl)) as { messages: unknown[] };
    const messages = [...turn.messages, { role: 'assistant', content: 'ok' }, ...turn.messages];
    const response = await client.chat({ messages });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('At most 1 image(s)'),
    ]);
  });

  it('finds an image too large for the encoder only in the engine', async () => {
    const client = await start({ maxTokensPerImage: 3 });
    const body = asking(imagePart(pngUrl));
    expect((await client.chat(body)).status).toBe(400);
    expect(await client.chunks(body)).toMatchObject([
      { error: { code: 400, message: expect.stringContaining('--limit-mm-per-prompt') } },
      'done',
    ]);
  });

  it('caps pixels with the status of its release', async () => {
    expect(await statusOf(await start({ maxImagePixels: 5 }), pngUrl)).toBe(400);
    expect(await statusOf(await start({ maxImagePixels: 5, dialect: '0.22' }), pngUrl)).toBe(500);
  });

  it('asks a function of the test for the tokens of an image', async () => {
    const client = await start({ imageTokens: () => 1000 });
    const { usage } = await client.json('/v1/chat/completions', asking(imagePart(pngUrl)));
    expect(usage.prompt_tokens).toBe(1000 + 2 + 4 + 3);
  });

  it('heeds max_pixels in mm_processor_kwargs, not in the part', async () => {
    const client = await start();
    const wide = pngOf(1300, 876);
    const count = async (body: Record<string, unknown>): Promise<number> =>
      (await client.json('/v1/chat/completions', body)).usage.prompt_tokens - 9;
    expect(await count(asking(imagePart(wide)))).toBe(1426);
    expect(await count({ ...asking(imagePart(wide)), mm_processor_kwargs: { max_pixels: 1_003_520 } })).toBe(
      1247,
    );
    const inPart = { type: 'image_url', image_url: { url: wide, detail: 'low', max_pixels: 3136 } };
    expect(await count(asking(inPart))).toBe(1426);
  });
});

/** A PNG that has only a header and an end: enough for an engine that decodes nothing. */
function pngOf(width: number, height: number): string {
  const bytes = Buffer.from(png, 'base64');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return `data:image/png;base64,${bytes.toString('base64')}`;
}

describe('image tokens', () => {
  it.each([
    [1, 1, 4, 4],
    [28, 28, 4, 4],
    [42, 70, 4, 4],
    [100, 100, 16, 16],
    [640, 480, 391, 391],
    [1024, 1024, 1369, 1225],
    [1300, 876, 1426, 1247],
    [1920, 1080, 2691, 1222],
    [4032, 3024, 15_552, 1230],
    [8192, 8192, 16_384, 1225],
    [2000, 10, 71, 71],
  ])('of %i × %i are %i, under a lower cap %i', (width, height, tokens, capped) => {
    expect(qwenImageTokens({ width, height }, {})).toBe(tokens);
    expect(qwenImageTokens({ width, height }, { maxPixels: 1_003_520 })).toBe(capped);
  });

  it('refuse a ratio above 200', () => {
    expect(() => qwenImageTokens({ width: 2001, height: 10 }, {})).toThrow(/aspect ratio/);
  });
});

describe('preprocessing', () => {
  it('comes before the queue is found full, so a refused request has cost its time', async () => {
    const client = await start({ maxRunning: 1, maxWaiting: 0 });
    const hold = client.fake.hold({ match: 'first' });
    const first = client.chat({ messages: [{ role: 'user', content: 'first' }] });
    await hold.reached();
    const response = await client.chat(asking(imagePart(pngUrl)));
    expect(response.status).toBe(503);
    await client.fake.waitFor('preprocessing');
    hold.release();
    await first;
  });

  it('does one request at a time, in front of the queue and unseen by the metrics', async () => {
    const client = await start();
    const { fake } = client;
    fake.script({ behaviour: { preprocessing: { gate: 'slow' } } });
    const first = client.chat(asking(imagePart(pngUrl)), { headers: { 'x-request-id': 'first' } });
    await fake.waitFor('preprocessing', { requestId: 'first' });
    const controller = new AbortController();
    const second = client.chat(asking(imagePart(pngUrl)), { signal: controller.signal });
    await fake.waitFor('preprocessing', { count: 2 });
    expect(fake.counters).toMatchObject({ preprocessing: 2, running: 0, waiting: 0, requests: 0 });
    expect(metric(fake.metrics(), 'vllm:num_requests_running')).toBe(0);
    expect((await client.chat()).status).toBe(200);
    controller.abort();
    await expect(second).rejects.toThrow();
    await fake.waitFor('aborted');
    expect(fake.counters).toMatchObject({ preprocessing: 1, aborted: 1, abandoned: 1 });
    fake.release('slow');
    expect((await first).status).toBe(200);
    expect(metric(fake.metrics(), 'vllm:request_success_total', 'abort')).toBe(0);
  });
});
