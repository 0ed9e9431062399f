import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fovea/observability';
import { writeEmbeddingFolder, writeIdefics3Folder, writeLlamaFolder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { z } from 'zod';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';

// Every bad field over real HTTP. Threads run from dist: build before.

const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.number(),
  }),
});

const IMAGE_TOKEN_ID = 4;
let folder: string;
let shim: Shim;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-refusals-'));
  await writeLlamaFolder(join(folder, 'words'));
  const { imageTokenId } = await writeIdefics3Folder(join(folder, 'eyes'));
  expect(imageTokenId).toBe(IMAGE_TOKEN_ID);
  await writeEmbeddingFolder(join(folder, 'vectors'));
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: folder, SHIM_MAX_NUM_SEQS: '4' });
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
});
afterAll(async () => {
  await shim.close();
  await rm(folder, { recursive: true });
});

async function refusal(body: object) {
  const response = await fetch(`${shim.address}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { error } = errorSchema.parse(await response.json());
  expect(error.code).toBe(response.status);
  return error;
}

const many = (count: number) => new Array<string>(count).fill('a');
const picture = `data:image/png;base64,${(
  await sharp({ create: { width: 40, height: 30, channels: 3, background: '#fff' } })
    .png()
    .toBuffer()
).toString('base64')}`;
const image = (more: object = {}) => ({ type: 'image_url', image_url: { url: picture }, ...more });

describe('a completion is refused for', () => {
  it.each<[string, object, string]>([
    ['no prompt', { prompt: undefined }, 'prompt'],
    ['a prompt that is a number', { prompt: 5 }, 'prompt'],
    ['a prompt that is an object', { prompt: {} }, 'prompt'],
    ['no prompts', { prompt: [] }, 'prompt'],
    ['too many prompts', { prompt: many(129) }, 'prompt'],
    ['prompts of two kinds', { prompt: ['a', [1]] }, 'prompt[1]'],
    ['a prompt that is no list of ids', { prompt: [[1], 'a'] }, 'prompt[1]'],
    ['a token id below 0', { prompt: [3, -1] }, 'prompt[1]'],
    ['a token id that is no integer', { prompt: [[3, 1.5]] }, 'prompt[0][1]'],
    ['prompt and items', { prompt_items: [] }, 'prompt_items'],
    ['items that are no list', { prompt: undefined, prompt_items: 'a' }, 'prompt_items'],
    ['an item that is no object', { prompt: undefined, prompt_items: ['a'] }, 'prompt_items[0]'],
    ['an item of no kind', { prompt: undefined, prompt_items: [{ type: 'sound' }] }, 'prompt_items[0].type'],
    ['a text that is none', { prompt: undefined, prompt_items: [{ type: 'text' }] }, 'prompt_items[0].text'],
    [
      'ids that are none',
      { prompt: undefined, prompt_items: [{ type: 'token_ids', token_ids: 3 }] },
      'prompt_items[0].token_ids',
    ],
    [
      'an id that is none',
      { prompt: undefined, prompt_items: [{ type: 'token_ids', token_ids: ['a'] }] },
      'prompt_items[0].token_ids[0]',
    ],
    [
      'an image without address',
      { prompt: undefined, prompt_items: [{ type: 'image_url', image_url: 'a' }] },
      'prompt_items[0].image_url',
    ],
    [
      'a crop without size',
      { prompt: undefined, prompt_items: [image({ crop: { x: 0, y: 0 } })] },
      'prompt_items[0].crop',
    ],
    [
      'a crop of nothing',
      { prompt: undefined, prompt_items: [image({ crop: { x: 0, y: 0, size: 0 } })] },
      'prompt_items[0].crop',
    ],
    ['an echo that is a word', { echo: 'yes' }, 'echo'],
    ['log probabilities that are a flag', { logprobs: true }, 'logprobs'],
    ['add_special_tokens that is a word', { add_special_tokens: 'no' }, 'add_special_tokens'],
    ['a stream that is a number', { stream: 1 }, 'stream'],
    ['a budget that is a word', { max_tokens: 'all' }, 'max_tokens'],
    ['a stop that is a number', { stop: 5 }, 'stop'],
  ])('%s: its shape is wrong', async (_what, body, param) => {
    const error = await refusal({ model: 'eyes', prompt: 'a', ...body });
    expect(error).toMatchObject({ code: 400, type: 'Bad Request', param });
    expect(error.message).toContain(param);
  });

  it.each<[string, object, string]>([
    ['too many log probabilities', { logprobs: 21 }, 'logprobs'],
    ['less than no log probabilities', { logprobs: -1 }, 'logprobs'],
    ['too many of the prompt', { prompt_logprobs: 21 }, 'prompt_logprobs'],
    ['those of the prompt in a stream', { prompt_logprobs: 1, stream: true }, 'prompt_logprobs'],
    ['no token and no echo', { max_tokens: 0 }, 'max_tokens'],
    ['a budget below 0', { max_tokens: -1 }, 'max_tokens'],
    ['a budget over the context', { max_tokens: 100_000 }, 'max_tokens'],
    ['a least number over the most', { max_tokens: 2, min_tokens: 3 }, 'min_tokens'],
    ['a suffix', { suffix: 'end' }, 'suffix'],
    ['the best of several', { best_of: 3 }, 'best_of'],
    ['several greedy choices', { n: 2, temperature: 0 }, 'n'],
    ['no choice', { n: 0 }, 'n'],
    ['more choices than run together', { n: 5, temperature: 1 }, 'n'],
    ['stream options without a stream', { stream_options: {} }, 'stream_options'],
    ['a temperature below 0', { temperature: -0.1 }, 'temperature'],
    ['no probability mass', { top_p: 0 }, 'top_p'],
    ['a penalty above 2', { presence_penalty: 2.1 }, 'presence_penalty'],
    ['an empty stop string', { stop: ['a', ''] }, 'stop'],
    ['an empty salt', { cache_salt: '' }, 'cache_salt'],
    ['beam search', { use_beam_search: true }, 'use_beam_search'],
    ['structured output', { structured_outputs: { json: {} } }, 'structured_outputs'],
    ['a format of the answer', { response_format: { type: 'json_object' } }, 'response_format'],
    ['a bias for no token', { logit_bias: { 99999: 1 } }, 'logit_bias'],
    ['a stop token that is none', { stop_token_ids: [99_999] }, 'stop_token_ids'],
    ['a token id that is none', { prompt: [3, 99_999] }, 'prompt'],
    [
      'such an id in an item',
      { prompt: undefined, prompt_items: [{ type: 'token_ids', token_ids: [99_999] }] },
      'prompt_items[0].token_ids',
    ],
    ['the image token', { prompt: [[3, IMAGE_TOKEN_ID]] }, 'prompt[0]'],
    ['a prompt over the context', { prompt: new Array(2000).fill(7) }, 'input_tokens'],
    ['a text over the context', { prompt: 'word '.repeat(600) }, 'input_tokens'],
    [
      'a link to an image',
      { prompt: undefined, prompt_items: [{ type: 'image_url', image_url: { url: 'http://a/b.png' } }] },
      'prompt_items[0].image_url.url',
    ],
    [
      'what is no image',
      {
        prompt: undefined,
        prompt_items: [
          { type: 'text', text: 'a' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aaaa' } },
        ],
      },
      'prompt_items[1].image_url.url',
    ],
    [
      'a crop outside the image',
      { prompt: undefined, prompt_items: [image({ crop: { x: 20, y: 0, size: 21 } })] },
      'prompt_items[0].crop',
    ],
  ])('%s', async (_what, body, param) => {
    expect(await refusal({ model: 'eyes', prompt: 'a', ...body })).toMatchObject({
      code: 400,
      type: 'BadRequestError',
      param,
    });
  });

  it('an image to a model of text alone', async () => {
    const items = [{ type: 'text', text: 'See: ' }, image()];
    expect(await refusal({ model: 'words', prompt_items: items })).toMatchObject({
      code: 400,
      message: 'words is not a multimodal model.',
      param: 'prompt_items[1].image_url.url',
    });
  });

  it('a model that does not write, and for one that is not there', async () => {
    expect(await refusal({ model: 'vectors', prompt: 'a' })).toMatchObject({
      code: 400,
      message: 'The model does not support Completions API.',
      param: 'model',
    });
    expect(await refusal({ model: 'nobody', prompt: 'a' })).toMatchObject({
      code: 404,
      type: 'NotFoundError',
      param: 'model',
    });
  });
});
