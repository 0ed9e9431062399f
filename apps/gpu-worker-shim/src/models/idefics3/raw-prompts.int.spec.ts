import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fovea/observability';
import { type Idefics3ModelFolder, writeIdefics3Folder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';
import { ChatClient } from '../../testing/chat-client.js';
import { CompletionClient } from '../../testing/completion-client.js';

// A model of random weights over real HTTP. The HTTP side runs from source, the threads from dist: build before.

let root: string;
let folder: Idefics3ModelFolder;
let shim: Shim;
let client: CompletionClient;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fovea-raw-'));
  folder = await writeIdefics3Folder(root, { seed: 2 });
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `eyes=${root}` });
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
  client = new CompletionClient(shim.address, 'eyes');
});
afterAll(async () => {
  await shim.close();
  await rm(root, { recursive: true });
});

const width = 60;
const height = 40;
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7 + (at >> 6) * 5) % 256);
const original = () => sharp(pixels, { raw: { width, height, channels: 3 } });
const toUrl = async (picture: Sharp) =>
  `data:image/png;base64,${(await picture.png().toBuffer()).toString('base64')}`;
const whole = await toUrl(original());
const middle = await toUrl(original().extract({ left: 10, top: 0, width: 40, height: 40 }));

const text = (words: string) => ({ type: 'text', text: words });
const image = (url: string, crop?: unknown) => ({
  type: 'image_url',
  image_url: { url },
  ...(crop !== undefined && { crop }),
});
const oneTile = { mm_processor_kwargs: { do_image_splitting: false } };

describe('an image in a raw prompt', () => {
  it('is the block of tokens that it is in a chat', async () => {
    const chat = await new ChatClient(shim.address).answer({
      ...ChatClient.ask(' What is it?', whole),
      return_token_ids: true,
    });
    // The template, written out; the image token itself cannot be written.
    const items = [
      text('<|im_start|>User:'),
      image(whole),
      text(' What is it?<end_of_utterance>\nAssistant:'),
    ];
    const raw = await client.choice({ prompt_items: items, max_tokens: 512 });
    expect(raw.prompt_token_ids).toEqual(chat.prompt_token_ids);
    expect(raw.token_ids).toEqual(chat.choices[0]!.token_ids);
    expect(raw.prompt_token_ids!.filter((id) => id === folder.imageTokenId).length).toBeGreaterThan(
      folder.tokensPerTile,
    );
  });

  it('is cropped to the square that is asked for', async () => {
    const ask = (url: string, crop?: unknown) =>
      client.choice({ prompt_items: [text('A '), image(url, crop), text(': ')], ...oneTile, logprobs: 1 });
    const expected = await ask(middle);
    expect(await ask(whole, { x: 10, y: 0, size: 40 })).toEqual(expected);
    expect(await ask(whole, 'center')).toEqual(expected);
    expect((await ask(whole)).logprobs).not.toEqual(expected.logprobs);
    expect((await ask(whole, { x: 20, y: 0, size: 40 })).logprobs).not.toEqual(expected.logprobs);
  });

  it('is kept apart from other crops of it, and found again', async () => {
    const metrics = new ChatClient(shim.address);
    const ask = (crop: unknown) =>
      client.choice({ prompt_items: [image(whole, crop), text('?')], max_tokens: 1, ...oneTile });
    const [one, other] = [
      { x: 1, y: 1, size: 9 },
      { x: 2, y: 1, size: 9 },
    ];
    await ask(one);
    const before = await metrics.metric('mm_cache_hits_total');
    await ask(other);
    expect(await metrics.metric('mm_cache_hits_total')).toBe(before);
    await ask(one);
    expect(await metrics.metric('mm_cache_hits_total')).toBe(before + 1);
  });

  it('counts, and is neither echoed nor among the log probabilities', async () => {
    const prompt_items = [text('A picture:'), image(whole), text(' of what?')];
    const answer = await client.answer({
      prompt_items,
      ...oneTile,
      echo: true,
      logprobs: 0,
      prompt_logprobs: 0,
      max_tokens: 0,
      return_token_ids: true,
    });
    const [choice] = answer.choices;
    expect(choice!.text).toBe('A picture: of what?');
    expect(choice!.logprobs!.tokens.join('')).toBe('A picture: of what?');
    expect(choice!.logprobs!.token_logprobs.filter((logprob) => logprob === null)).toHaveLength(1);
    const ids = choice!.prompt_token_ids!;
    expect(answer.usage.prompt_tokens).toBe(ids.length);
    // Its embeddings, two wrappers and the mark of the whole view.
    const unknown = choice!.prompt_logprobs!.filter((entry) => entry === null);
    expect(unknown).toHaveLength(1 + folder.tokensPerTile + 3);
    expect(choice!.prompt_logprobs!.at(-1)?.[ids.at(-1)!]?.decoded_token).toBe('?');
  });

  it('may stand first, last, and twice', async () => {
    const choice = await client.choice({
      prompt_items: [image(whole), text(' and '), image(middle)],
      ...oneTile,
      echo: true,
      max_tokens: 0,
    });
    expect(choice.text).toBe(' and ');
    const count = choice.prompt_token_ids!.filter((id) => id === folder.imageTokenId).length;
    expect(count).toBe(2 * folder.tokensPerTile);
  });

  it('cannot be typed: the token of its pieces is text in a text', async () => {
    const choice = await client.choice({ prompt: 'a<image>b', echo: true, max_tokens: 0 });
    expect(choice.text).toBe('a<image>b');
    expect(choice.prompt_token_ids).not.toContain(folder.imageTokenId);
  });
});
