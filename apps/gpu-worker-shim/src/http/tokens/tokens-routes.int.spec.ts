import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import {
  writeEmbeddingFolder,
  writeIdefics3Folder,
  writeLlamaFolder,
  writeWhisperFolder,
} from '@fovea/testing';
import { Tokenizer } from '@huggingface/tokenizers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';

// Folders of all families over real HTTP. Threads run from dist: build before.

const families = {
  words: writeLlamaFolder,
  eyes: writeIdefics3Folder,
  vectors: writeEmbeddingFolder,
  ears: writeWhisperFolder,
};
const ocr = fileURLToPath(new URL('../../../../../models/ocr', import.meta.url));
const names = ['words', 'eyes', 'vectors', 'ears'] as const;

let folder: string;
let shim: Shim;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-tokens-'));
  for (const name of names) await families[name](join(folder, name));
  const models = names.map((name) => `${name === 'words' ? 'our/words' : name}=${join(folder, name)}`);
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: [...models, `ocr=${ocr}`].join(',') });
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
}, 60_000);
afterAll(async () => {
  await shim.close();
  await rm(folder, { recursive: true });
});

const servedName = (name: string) => (name === 'words' ? 'our/words' : name);

async function oracle(name: string): Promise<Tokenizer> {
  const json = async (file: string): Promise<object> =>
    JSON.parse(await readFile(join(folder, name, file), 'utf8'));
  return new Tokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'));
}

async function post(path: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${shim.address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

const tokenizedSchema = z.object({
  count: z.number(),
  max_model_len: z.number(),
  tokens: z.array(z.number()),
  token_strs: z.array(z.string()).nullable(),
});
const textSchema = z.object({ prompt: z.string() });

const tokenize = async (body: object) => tokenizedSchema.parse((await post('/tokenize', body)).body);
const detokenize = async (body: object) => textSchema.parse((await post('/detokenize', body)).body).prompt;

const texts = ['What do you see?', ' Two  blanks\n', "Zwölf Boxkämpfer 🎈 don't", '', 'a'.repeat(3000)];

describe.each(names)('the tokenizer of %s', (name) => {
  const model = servedName(name);

  it('gives the tokens of tokenizer.json, with and without special ones', async () => {
    const own = await oracle(name);
    for (const prompt of texts) {
      for (const add of [true, false]) {
        const { ids, tokens } = own.encode(prompt, { add_special_tokens: add });
        expect(
          await tokenize({ model, prompt, add_special_tokens: add, return_token_strs: true }),
        ).toMatchObject({ count: ids.length, tokens: ids, token_strs: tokens });
      }
    }
    expect((await tokenize({ model, prompt: 'a' })).token_strs).toBeNull();
  });

  it('gives the text of tokens, special ones shown or not', async () => {
    const own = await oracle(name);
    const { ids } = own.encode('What do you see?');
    for (const skip of [true, false]) {
      const expected = own.decode(ids, { skip_special_tokens: skip, clean_up_tokenization_spaces: false });
      expect(await detokenize({ model, tokens: ids, skip_special_tokens: skip })).toBe(expected);
    }
    expect(await detokenize({ model, tokens: [] })).toBe('');
  });

  it('is shown as the file it is, once to those who keep it', async () => {
    const url = `${shim.address}/v1/models/${encodeURIComponent(model)}/tokenizer`;
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toContain('application/json');
    const expected = await readFile(join(folder, name, 'tokenizer.json'), 'utf8');
    expect(await response.text()).toBe(expected);
    const etag = response.headers.get('etag') ?? '';
    const again = await fetch(url, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await fetch(url, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });
});

describe('tokens', () => {
  it('come from the first model that has a tokenizer when none is named', async () => {
    expect((await tokenize({ prompt: 'Who' })).tokens).toEqual(
      (await tokenize({ model: 'our/words', prompt: 'Who' })).tokens,
    );
  });

  it('of several texts at once do not mix', async () => {
    const asked = Array.from({ length: 30 }, (_, at) => ({
      model: names[at % 2] === 'eyes' ? 'eyes' : 'ears',
      prompt: `text ${at} `.repeat(at),
    }));
    const together = await Promise.all(asked.map(tokenize));
    for (const [at, body] of asked.entries()) expect(together[at]).toEqual(await tokenize(body));
  });

  it.each(['words', 'eyes'] as const)('of a text are those of the raw prompt: %s', async (name) => {
    const model = servedName(name);
    const special = name === 'eyes' ? '<image>' : '<|im_start|>';
    for (const add of [true, false]) {
      const asked = { model, prompt: `Hello ${special} you<|im_end|> Zwölf 🎈`, add_special_tokens: add };
      const { count, tokens, token_strs: spelled } = await tokenize({ ...asked, return_token_strs: true });
      const raw = { ...asked, max_tokens: 1, return_token_ids: true };
      const answers = [raw, { ...raw, prompt: tokens }].map((body) => post('/v1/completions', body));
      for (const answer of await Promise.all(answers)) {
        expect(answer).toMatchObject({
          status: 200,
          body: { usage: { prompt_tokens: count }, choices: [{ prompt_token_ids: tokens }] },
        });
      }
      expect(spelled).toHaveLength(count);
      expect(spelled?.includes(special)).toBe(name === 'words');
      expect(await detokenize({ model, tokens })).toBe(asked.prompt);
    }
  });

  it.each<[string, string, object, number, string]>([
    ['no text', '/tokenize', {}, 400, 'prompt'],
    ['a text that is a number', '/tokenize', { prompt: 5 }, 400, 'prompt'],
    [
      'messages to a model that only hears',
      '/tokenize',
      { model: 'ears', messages: [{ role: 'user', content: 'a' }] },
      400,
      'model',
    ],
    [
      'a flag that is a word',
      '/tokenize',
      { prompt: 'a', add_special_tokens: 'no' },
      400,
      'add_special_tokens',
    ],
    ['a flag that is a number', '/tokenize', { prompt: 'a', return_token_strs: 1 }, 400, 'return_token_strs'],
    ['too long a text', '/tokenize', { prompt: 'a'.repeat(4 * 2 ** 20 + 1) }, 400, 'prompt'],
    ['a model that is not there', '/tokenize', { model: 'nobody', prompt: 'a' }, 404, 'model'],
    ['a model without tokenizer', '/tokenize', { model: 'ocr', prompt: 'a' }, 400, 'model'],
    ['no tokens', '/detokenize', {}, 400, 'tokens'],
    ['tokens that are a text', '/detokenize', { tokens: 'a' }, 400, 'tokens'],
    ['a token that is none', '/detokenize', { tokens: [5, -1] }, 400, 'tokens[1]'],
    ['a token of no vocabulary', '/detokenize', { tokens: [5, 10 ** 7] }, 400, 'tokens'],
    ['a model without tokenizer, too', '/detokenize', { model: 'ocr', tokens: [1] }, 400, 'model'],
  ])('are refused for %s', async (_what, path, body, status, param) => {
    expect(await post(path, body)).toMatchObject({ status, body: { error: { code: status, param } } });
  });

  it('have no file where the model has no tokenizer, or is not there', async () => {
    for (const name of ['ocr', 'nobody']) {
      const response = await fetch(`${shim.address}/v1/models/${name}/tokenizer`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { type: 'NotFoundError' } });
    }
  });
});
