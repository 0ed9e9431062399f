import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { createLogger } from '@fovea/observability';
import { writeIdefics3Folder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { z } from 'zod';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';
import { ChatClient } from '../../testing/chat-client.js';
import { CompletionClient } from '../../testing/completion-client.js';

// A model of random weights over real HTTP, beside the double of vLLM. Threads run from dist: build before.

const logger = createLogger({ service: 'test', level: 'silent' });
const png = await sharp({ create: { width: 90, height: 50, channels: 3, background: '#c02020' } })
  .png()
  .toBuffer();
const dataUrl = `data:image/png;base64,${png.toString('base64')}`;

let place: string;
let media: string;
let shim: Shim;
let closed: Shim;
let vllm: FakeVllm;
let closedVllm: FakeVllm;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'fovea-local-files-'));
  media = join(place, 'media');
  await mkdir(join(media, 'ab'), { recursive: true });
  await writeFile(join(media, 'ab', 'red ü.png'), png);
  await writeFile(join(media, 'text'), 'no picture');
  await writeFile(join(place, 'outside.png'), png);
  await symlink('../outside.png', join(media, 'link.png'));
  await writeIdefics3Folder(join(place, 'eyes'), { seed: 3 });
  const env = { SHIM_PORT: '0', SHIM_MODELS: `eyes=${join(place, 'eyes')}` };
  const allowed = { ...env, SHIM_ALLOWED_LOCAL_MEDIA_PATH: media };
  shim = await startShim(readShimConfig(allowed), logger, '1.0.0');
  closed = await startShim(readShimConfig(env), logger, '1.0.0');
  vllm = await startFakeVllm({ model: 'eyes', allowedLocalMediaPath: media });
  closedVllm = await startFakeVllm({ model: 'eyes' });
}, 60_000);
afterAll(async () => {
  await Promise.all([vllm.close(), closedVllm.close(), shim.close(), closed.close()]);
  await rm(place, { recursive: true });
});

const urlOf = (...path: string[]): string => pathToFileURL(join(media, ...path)).href;
const red = () => urlOf('ab', 'red ü.png');

const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.number(),
  }),
});
async function refusal(address: string, path: string, body: object) {
  const response = await fetch(`${address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'eyes', ...body }),
  });
  const { error } = errorSchema.parse(await response.json());
  return { status: response.status, ...error };
}
const chatRefusal = (address: string, url: string) =>
  refusal(address, '/v1/chat/completions', ChatClient.ask('What?', url));

describe('a picture in the folder that requests may name', () => {
  it('is to a chat what it is as a data URL, streamed or not', async () => {
    const client = new ChatClient(shim.address);
    const body = (url: string) => ({
      ...ChatClient.ask('What is it?', url, url),
      max_tokens: 12,
      return_token_ids: true,
    });
    const expected = await client.answer(body(dataUrl));
    const answer = await client.answer(body(red()));
    expect(answer.prompt_token_ids).toEqual(expected.prompt_token_ids);
    expect(answer.choices).toEqual(expected.choices);
    let streamed = '';
    for await (const piece of client.stream(body(red()))) streamed += piece;
    expect(streamed).toBe(expected.choices[0]?.message.content);
  });

  it('is to a raw prompt what it is as a data URL, cropped', async () => {
    const client = new CompletionClient(shim.address, 'eyes');
    const body = (url: string) => ({
      prompt_items: [
        { type: 'text', text: 'A ' },
        { type: 'image_url', image_url: { url }, crop: 'center' },
      ],
      max_tokens: 8,
      return_token_ids: true,
    });
    expect(await client.choice(body(red()))).toEqual(await client.choice(body(dataUrl)));
  });

  it('is counted as it is as a data URL', async () => {
    const count = async (url: string) => {
      const response = await fetch(`${shim.address}/tokenize`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...ChatClient.ask('What?', url), model: 'eyes' }),
      });
      return z.object({ count: z.number() }).parse(await response.json()).count;
    };
    expect(await count(red())).toBe(await count(dataUrl));
  });

  it('is the only thing that is read: all else is refused as by vLLM, and no path is told', async () => {
    for (const url of [
      'file:///etc/hostname',
      pathToFileURL(join(place, 'outside.png')).href,
      urlOf('link.png'),
      urlOf('ab', '..', '..', 'outside.png'),
      urlOf('gone.png'),
      urlOf('text'),
    ]) {
      const { status, type, code, message, param } = await chatRefusal(shim.address, url);
      const expected = await chatRefusal(vllm.url, url);
      expect([url, status, type, code]).toEqual([url, expected.status, expected.type, expected.code]);
      expect(param).toBe('messages[0].content[0].image_url.url');
      expect(message).not.toMatch(/etc|tmp|fovea|\.png/);
    }
  });

  it('is refused in a raw prompt and a count with its field, too', async () => {
    const item = { type: 'image_url', image_url: { url: 'file:///etc/hostname' } };
    expect(await refusal(shim.address, '/v1/completions', { prompt_items: [item] })).toMatchObject({
      status: 400,
      param: 'prompt_items[0].image_url.url',
    });
    const messages = [{ role: 'user', content: [item] }];
    expect(await refusal(shim.address, '/tokenize', { messages })).toMatchObject({
      status: 400,
      param: 'messages[0].content[0].image_url.url',
    });
  });
});

describe('a server without such a folder', () => {
  it('reads no file, in vLLM’s words', async () => {
    const { param: _param, ...expected } = await chatRefusal(closedVllm.url, red());
    expect(await chatRefusal(closed.address, red())).toMatchObject(expected);
  });

  it('does not start when it names one that is not there', async () => {
    const env = { SHIM_MODELS: join(place, 'eyes'), SHIM_ALLOWED_LOCAL_MEDIA_PATH: join(place, 'nowhere') };
    await expect(startShim(readShimConfig(env), logger, '1.0.0')).rejects.toThrow(
      `SHIM_ALLOWED_LOCAL_MEDIA_PATH: ${join(place, 'nowhere')} is no folder`,
    );
  });
});
