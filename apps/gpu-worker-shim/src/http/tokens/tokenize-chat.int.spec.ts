import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { createLogger } from '@fovea/observability';
import { writeEmbeddingFolder, writeIdefics3Folder, writeLlamaFolder } from '@fovea/testing';
import { Tokenizer } from '@huggingface/tokenizers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { z } from 'zod';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';
import { ChatClient } from '../../testing/chat-client.js';

// Models of random weights over real HTTP, beside the double of vLLM. Threads run from dist: build before.

/** As those of Qwen3 and SmolLM3: without thinking, the answer begins behind an empty thought. */
const thinkingTemplate =
  '{% for message in messages %}<|im_start|>{{ message.role }}: {{ message.content }}{% endfor %}' +
  "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think></think>' }}{% endif %}" +
  '{{ reasoning_effort }}';

let folder: string;
let shim: Shim;
let vllm: FakeVllm;
let maxModelLen: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-tokenize-chat-'));
  ({ maxModelLen } = await writeLlamaFolder(join(folder, 'words')));
  await writeIdefics3Folder(join(folder, 'eyes'));
  await writeEmbeddingFolder(join(folder, 'vectors'));
  await writeLlamaFolder(join(folder, 'thinks'));
  await writeFile(join(folder, 'thinks', 'chat_template.jinja'), thinkingTemplate);
  const names = ['vectors', 'words', 'eyes', 'thinks'];
  const models = names.map((name) => `${name}=${join(folder, name)}`).join(',');
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: models });
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
  vllm = await startFakeVllm({ model: 'words', maxModelLen, multimodal: false });
}, 60_000);
afterAll(async () => {
  await vllm.close();
  await shim.close();
  await rm(folder, { recursive: true });
});

async function post(address: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${address}/tokenize`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

const tokenizedSchema = z.strictObject({
  count: z.number(),
  max_model_len: z.number(),
  tokens: z.array(z.number()),
  token_strs: z.array(z.string()).nullable(),
});
const tokenize = async (body: object) => tokenizedSchema.parse((await post(shim.address, body)).body);

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#226699' } });
const toUrl = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`;
const wide = toUrl(await picture(120, 40).png().toBuffer());
const small = toUrl(await picture(9, 9).png().toBuffer());
const lying = toUrl(await picture(120, 40).jpeg().withMetadata({ orientation: 6 }).toBuffer());
const image = (url: string) => ({ type: 'image_url', image_url: { url } });
const text = (words: string) => ({ type: 'text', text: words });
const user = (...content: object[]) => ({ messages: [{ role: 'user', content }] });

const talk = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Who are you? <|im_start|> 🎈' },
  { role: 'assistant', content: 'I am' },
];

describe('the tokens of a chat', () => {
  it.each<[string, object]>([
    ['a text', { model: 'words', messages: [{ role: 'user', content: 'Hello' }] }],
    ['several turns and a typed marker', { model: 'words', messages: talk }],
    ['no beginning of an answer', { model: 'words', messages: talk, add_generation_prompt: false }],
    [
      'an answer that goes on',
      { model: 'words', messages: talk, add_generation_prompt: false, continue_final_message: true },
    ],
    ['special tokens on top', { model: 'words', messages: talk, add_special_tokens: true }],
    ['what makes no difference', { model: 'words', messages: talk, tools: [], chat_template_kwargs: {} }],
    [
      'variables of the template',
      { model: 'thinks', messages: talk, chat_template_kwargs: { enable_thinking: false } },
    ],
    ['an effort', { model: 'thinks', messages: talk, reasoning_effort: 'high' }],
    ['a text for eyes', { model: 'eyes', ...user(text('Hello')) }],
    ['a picture', { model: 'eyes', ...user(image(small), text('What is it?')) }],
    ['a picture on its side', { model: 'eyes', ...user(image(lying)) }],
    [
      'pictures between texts',
      { model: 'eyes', ...user(text('A '), image(wide), text(' B '), image(small)) },
    ],
    [
      'a picture that is not split',
      { model: 'eyes', ...user(image(wide)), mm_processor_kwargs: { do_image_splitting: false } },
    ],
  ])('are those of its prompt: %s', async (_what, body) => {
    const answer = await new ChatClient(shim.address).answer({
      ...body,
      tools: undefined,
      max_tokens: 1,
      return_token_ids: true,
    });
    const { tokens, count } = await tokenize(body);
    expect(tokens).toEqual(answer.prompt_token_ids);
    expect(count).toBe(answer.usage.prompt_tokens);
  });

  it('are those that the variables of the request lead to', async () => {
    const body = { model: 'thinks', messages: talk };
    const { count: plain, tokens } = await tokenize(body);
    const counts = (more: object) => tokenize({ ...body, ...more }).then(({ count }) => count);
    expect((await tokenize({ ...body, chat_template_kwargs: { enable_thinking: true } })).tokens).toEqual(
      tokens,
    );
    expect(await counts({ chat_template_kwargs: { enable_thinking: false } })).toBeGreaterThan(plain);
    expect(await counts({ reasoning_effort: 'high' })).toBeGreaterThan(plain);
  });

  it('are spelled as the vocabulary has them where that is asked for', async () => {
    const file = async (name: string): Promise<object> =>
      JSON.parse(await readFile(join(folder, 'eyes', name), 'utf8'));
    const own = new Tokenizer(await file('tokenizer.json'), await file('tokenizer_config.json'));
    const body = { model: 'eyes', ...user(image(small), text('What is it?')) };
    const { tokens, token_strs: spelled } = await tokenize({ ...body, return_token_strs: true });
    expect(spelled).toEqual(tokens.map((id) => own.id_to_token(id)));
    expect(spelled).toContain('<image>');
    expect((await tokenize(body)).token_strs).toBeNull();
  });

  it('are told of a chat that does not fit', async () => {
    const body = { model: 'words', messages: [{ role: 'user', content: 'why? '.repeat(5000) }] };
    const { count, tokens, max_model_len: most } = await tokenize(body);
    expect(most).toBe(maxModelLen);
    expect(count).toBeGreaterThan(10 * maxModelLen);
    expect(tokens).toHaveLength(count);
    const many = await tokenize({
      model: 'eyes',
      ...user(...Array.from({ length: 200 }, () => image(wide))),
    });
    expect(many.count).toBeGreaterThan(many.max_model_len);
  });

  it('come from the first model that chats when none is named', async () => {
    expect((await tokenize({ messages: talk })).tokens).toEqual(
      (await tokenize({ model: 'words', messages: talk })).tokens,
    );
  });

  it('of many chats at once do not mix', async () => {
    const bodies = Array.from({ length: 30 }, (_, at) => ({
      model: at % 2 === 0 ? 'words' : 'eyes',
      ...user(text(`chat ${at} `.repeat(at + 1))),
    }));
    const together = await Promise.all(bodies.map(tokenize));
    for (const [at, body] of bodies.entries()) expect(together[at]).toEqual(await tokenize(body));
  });

  it.each<[string, object, string]>([
    ['messages that are a text', { messages: 'Hello' }, 'messages'],
    ['a flag that is a word', { messages: talk, add_generation_prompt: 'yes' }, 'add_generation_prompt'],
    ['a template of its own', { messages: talk, chat_template: '{{ messages }}' }, 'chat_template'],
    [
      'an answer that both goes on and begins',
      { messages: talk, continue_final_message: true, add_generation_prompt: true },
      'continue_final_message',
    ],
    ['a picture for a model without eyes', user(image(small)), 'messages[0].content[0].image_url.url'],
    ['an unknown part', user({ type: 'smell' }), 'messages[0].content[0].type'],
    ['a model that is not there', { model: 'nobody', messages: talk }, 'model'],
  ])('are refused as by vLLM for %s', async (_what, body, param) => {
    const asked = { model: 'words', ...body };
    const { status, body: refusal } = await post(shim.address, asked);
    const { status: expected, body: given } = await post(vllm.url, asked);
    expect(status).toBe(expected);
    const { type } = z.object({ error: z.object({ type: z.string() }) }).parse(given).error;
    expect(refusal).toMatchObject({ error: { type, code: expected, param } });
  });

  it.each<[string, object, string]>([
    ['a template by another way', { chat_template_kwargs: { chat_template: 'x' } }, 'chat_template_kwargs'],
    ['kwargs that are a list', { chat_template_kwargs: [] }, 'chat_template_kwargs'],
    ['messages by another way', { chat_template_kwargs: { messages: 'x' } }, 'chat_template_kwargs.messages'],
    ['a list for the template', { chat_template_kwargs: { x: [1] } }, 'chat_template_kwargs.x'],
    [
      'a background',
      { media_io_kwargs: { image: { rgba_background_color: [0, 0, 0] } } },
      'media_io_kwargs.image.rgba_background_color',
    ],
    ['no messages', { messages: [] }, 'messages'],
    ['a role that nobody has', { messages: [{ role: 'nobody', content: 'a' }] }, 'messages[0].role'],
    ['another flag that is a word', { messages: talk, add_special_tokens: 'no' }, 'add_special_tokens'],
    ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
    ['an unknown processor setting', { mm_processor_kwargs: { max_pixels: 9 } }, 'mm_processor_kwargs'],
    ['too much text', user(text('a'.repeat(2 ** 21)), text('b'.repeat(2 ** 21 + 1))), 'messages'],
    [
      'too many pictures',
      { model: 'eyes', ...user(...Array.from({ length: 1000 }, () => image(small))) },
      'messages',
    ],
    [
      'what is no picture',
      { model: 'eyes', ...user(image('data:image/png;base64,QUJD')) },
      'messages[0].content[0].image_url.url',
    ],
    ['a model that does not chat', { model: 'vectors' }, 'model'],
    [
      'a continuation of nothing',
      {
        messages: [...talk, { role: 'assistant', content: [] }],
        continue_final_message: true,
        add_generation_prompt: false,
      },
      'continue_final_message',
    ],
  ])('are refused with the field for %s', async (_what, body, param) => {
    expect(await post(shim.address, { model: 'words', messages: talk, ...body })).toMatchObject({
      status: 400,
      body: { error: { code: 400, param } },
    });
  });
});
