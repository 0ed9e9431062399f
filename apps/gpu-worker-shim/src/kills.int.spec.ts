import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fovea/observability';
import { writeIdefics3Folder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { type Shim, startShim } from './compose.js';
import { readShimConfig } from './config/shim-variables.js';
import { SeededRandom } from './engine/sampling/random.js';
import { ChatClient } from './testing/chat-client.js';
import { CompletionClient } from './testing/completion-client.js';

// Clients that leave at random, over real HTTP. The HTTP side runs from source, the threads from dist: build before.

const REQUESTS = 160;
const ROWS = 8;
const CONTEXT = 512;

let folder: string;
let shim: Shim;
let chat: ChatClient;
let completions: CompletionClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-kills-'));
  await writeIdefics3Folder(folder, { seed: 4 });
  const config = readShimConfig({
    SHIM_PORT: '0',
    SHIM_MODELS: `eyes=${folder}`,
    SHIM_MAX_NUM_SEQS: `${ROWS}`,
    SHIM_MAX_WAITING: '1000',
    // Four whole contexts: of eight rows, some have to make room for others.
    SHIM_KV_CACHE_MIB: '1',
    SHIM_PREFIX_CACHE_MIB: '1',
    SHIM_IMAGE_CACHE_MIB: '1',
  });
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
  chat = new ChatClient(shim.address);
  completions = new CompletionClient(shim.address, 'eyes');
});
afterAll(async () => {
  await shim.close();
  await rm(folder, { recursive: true });
});

async function picture(shade: number): Promise<string> {
  const image = sharp({
    create: { width: 50 + shade, height: 40, channels: 3, background: { r: shade, g: 99, b: 9 } },
  });
  return `data:image/png;base64,${(await image.png().toBuffer()).toString('base64')}`;
}

const path = { chat: '/v1/chat/completions', raw: '/v1/completions' } as const;

/** Chats and raw prompts, with pictures and without, short and long, streamed and whole. */
async function bodyOf(at: number): Promise<{ path: string; body: object }> {
  const url = await picture(at % 23);
  const common = {
    ignore_eos: true,
    temperature: 0,
    max_tokens: 20 + ((at * 37) % 200),
    stream: at % 3 !== 0,
  };
  const words = 'Tell me a story about the sea. '.repeat(1 + (at % 9));
  switch (at % 4) {
    case 0:
      return { path: path.chat, body: { ...ChatClient.ask(`${at} ${words}`), ...common } };
    case 1:
      return { path: path.chat, body: { ...ChatClient.ask(`${at} what?`, url), ...common } };
    case 2:
      return {
        path: path.raw,
        body: { ...common, prompt: [`${at} ${words}`, words], echo: true, logprobs: 2 },
      };
    default: {
      const prompt_items = [
        { type: 'text', text: `${at}: ` },
        { type: 'image_url', image_url: { url }, crop: 'center' },
      ];
      return { path: path.raw, body: { ...common, prompt_items, n: 2, temperature: 1, seed: at } };
    }
  }
}

interface Leaving {
  readonly afterMs?: number;
  readonly afterBytes?: number;
}

/**
 * Reads the answer, or destroys the connection when so many milliseconds have passed or so many bytes have come. Not
 * `fetch`: on Node 20 its body sometimes never ends after an abort between two reads.
 */
async function askAndLeave(at: number, { afterMs, afterBytes = Infinity }: Leaving): Promise<boolean> {
  const { path: route, body } = await bodyOf(at);
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const request = httpRequest(`${shim.address}${route}`, { method: 'POST', headers });
  const timer = afterMs === undefined ? undefined : setTimeout(() => request.destroy(), afterMs);
  let isAnswered = false;
  let seen = 0;
  request.on('error', () => undefined);
  request.on('response', (response) => {
    response.on('error', () => undefined);
    response.on('data', (bytes: Buffer) => {
      seen += bytes.length;
      if (seen > afterBytes) request.destroy();
    });
    response.on('end', () => {
      isAnswered = response.statusCode === 200;
    });
  });
  request.end(JSON.stringify(body));
  await new Promise((resolve) => request.once('close', resolve));
  clearTimeout(timer);
  return isAnswered;
}

async function untilIdle(): Promise<void> {
  for (;;) {
    const busy = (await chat.metric('num_requests_running')) + (await chat.metric('num_requests_waiting'));
    if (busy === 0) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('clients that leave at random', () => {
  it('leave nothing behind: no place, no row, no keys and values; and disturb nobody', async () => {
    const random = new SeededRandom(12);
    // What the others are told, asked alone before.
    const question = { prompt: 'What do you see in this image?', max_tokens: 40, ignore_eos: true };
    const alone = await completions.choice(question);
    const leaves = Array.from({ length: REQUESTS }, (_, at) => {
      if (at % 8 === 7) return {};
      // Some before they are accepted, some in line, some while images are encoded, some in the middle of an answer.
      return at % 2 === 0
        ? { afterMs: Math.floor(random.next() ** 3 * 4000) }
        : { afterBytes: random.next() * 6000 };
    });
    const asked = leaves.map((leave, at) => askAndLeave(at, leave));
    const between = Promise.all(Array.from({ length: 6 }, () => completions.choice(question)));
    const outcomes = await Promise.all(asked);
    expect(await between).toEqual(new Array(6).fill(alone));
    expect(outcomes.filter((isAnswered) => !isAnswered).length).toBeGreaterThan(REQUESTS / 3);
    expect(outcomes.filter((isAnswered) => isAnswered).length).toBeGreaterThanOrEqual(REQUESTS / 8);
    await untilIdle();
    expect(await chat.metric('kv_cache_usage_perc')).toBe(0);
    expect(await chat.metric('request_success_total', 'abort')).toBeGreaterThan(0);
    // All rows and the whole cache are there for those who come next: each takes as much as it may.
    const rest = CONTEXT - alone.prompt_token_ids!.length;
    const whole = await completions.answer({
      ...question,
      max_tokens: rest,
      n: ROWS,
      temperature: 1,
      seed: 1,
    });
    expect(whole.usage.completion_tokens).toBe(rest * whole.choices.length);
    expect(await completions.choice(question)).toEqual(alone);
  }, 120_000);
});
