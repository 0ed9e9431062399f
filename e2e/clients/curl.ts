import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describeIf, program } from '@fovea/testing';
import { expect, it } from '@jest/globals';
import {
  type ClientWorld,
  describer,
  hearer,
  latecomer,
  placeSchema,
  question,
  weatherTool,
} from './world.js';

type Json = Record<string, unknown>;

/** What curl prints; `input` is its standard input. */
async function run(world: ClientWorld, path: string, args: readonly string[], input = ''): Promise<string> {
  const head = ['--silent', '--show-error', '--no-buffer', '--header', `Authorization: Bearer ${world.key}`];
  const child = spawn('curl', [...head, ...args, `${world.url}${path}`], {
    env: { PATH: process.env.PATH, NO_PROXY: '127.0.0.1' },
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdin.end(input);
  const [code]: unknown[] = await once(child, 'close');
  if (code !== 0) throw new Error(`curl ended with ${String(code)}: ${errors}`);
  return out;
}

const posting = ['--header', 'Content-Type: application/json', '--data-binary', '@-'];
const post = (world: ClientWorld, path: string, body: Json, ...more: string[]): Promise<string> =>
  run(world, path, [...posting, ...more], JSON.stringify(body));
const ask = async (world: ClientWorld, path: string, body: Json): Promise<Json> =>
  JSON.parse(await post(world, path, body)) as Json;
const says = (content: unknown): Json[] => [{ role: 'user', content }];

/** Asks the latecomer; curl waits as long as `Retry-After` says. */
export async function curlComesAgain(world: ClientWorld): Promise<string> {
  const retries = ['--retry', '20', '--fail-with-body'];
  const body = { model: latecomer, messages: says('hi') };
  const answer = await post(world, '/v1/chat/completions', body, ...retries);
  const whole = JSON.parse(answer.slice(answer.lastIndexOf('{"id"'))) as {
    choices: { message: { content: string } }[];
  };
  return whole.choices[0]?.message.content ?? '';
}

const eventsOf = (text: string): Json[] =>
  text
    .split('\n\n')
    .filter((event) => event !== '' && event !== 'data: [DONE]')
    .map((event) => JSON.parse(event.slice('data: '.length)) as Json);
const aboutPicture = ({ pictureUrl: url }: ClientWorld): Json => ({
  model: describer,
  temperature: 0,
  messages: says([
    { type: 'text', text: question },
    { type: 'image_url', image_url: { url } },
  ]),
});

export function curlSuite(world: () => ClientWorld): void {
  describeIf(program('curl'), 'curl', () => {
    chatsAndTexts(world);
    otherRoutes(world);
  });
}

function chatsAndTexts(world: () => ClientWorld): void {
  it('curl chats about a picture, and streams, with usage', async () => {
    const whole = await ask(world(), '/v1/chat/completions', aboutPicture(world()));
    expect(whole).toMatchObject({ choices: [{ message: { content: expect.stringMatching(/green/i) } }] });
    const stream = { ...aboutPicture(world()), stream: true, stream_options: { include_usage: true } };
    const text = await post(world(), '/v1/chat/completions', stream);
    expect(text).toMatch(/\ndata: \[DONE\]\n\n$/);
    const events = eventsOf(text);
    expect(events.length).toBeGreaterThan(5);
    expect(events.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
  });

  it('curl calls tools and gets JSON of a schema', async () => {
    const model = world().writer;
    const messages = says('the weather?');
    const called = await ask(world(), '/v1/chat/completions', { model, messages, tools: [weatherTool] });
    expect(called).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
    const format = { type: 'json_schema', json_schema: { name: 'place', schema: placeSchema } };
    const request = { model, messages: says('where?'), response_format: format };
    const { choices } = (await ask(world(), '/v1/chat/completions', request)) as {
      choices: { message: { content: string } }[];
    };
    expect(JSON.parse(choices[0]?.message.content ?? '')).toEqual({ city: expect.any(String) });
  });

  it('curl gets vectors, ranks, and takes texts apart', async () => {
    const model = world().writer;
    const vectors = await ask(world(), '/v1/embeddings', { model, input: ['a', 'b'] });
    expect(vectors).toMatchObject({ data: [{ index: 0 }, { index: 1 }] });
    const ranked = await ask(world(), '/rerank', { model, query: 'a', documents: ['a', 'b'], top_n: 1 });
    expect(ranked).toMatchObject({ results: [{ relevance_score: expect.any(Number) }] });
    const apart = await ask(world(), '/tokenize', { model, prompt: 'a b', tokens: true, token_ids: true });
    expect(apart.token_ids).toHaveLength((apart.tokens as string[]).length);
  });
}

function otherRoutes(world: () => ClientWorld): void {
  it('curl completes raw prompts, whole and as a stream, and evaluates', async () => {
    const request = { model: world().writer, prompt: 'a b', maximum_tokens: 4 };
    const whole = await ask(world(), '/complete', request);
    const events = eventsOf(await post(world(), '/complete', { ...request, stream: true }));
    const pieces = events.filter(({ type }) => type === 'stream_chunk').map(({ completion }) => completion);
    expect(whole).toMatchObject({ completions: [{ completion: pieces.join('') }] });
    expect(events.at(-1)).toMatchObject({ type: 'completion_summary' });
    const old = await ask(world(), '/v1/completions', { ...request, max_tokens: 4 });
    expect(old).toMatchObject({ object: 'text_completion' });
    const judged = await ask(world(), '/evaluate', { ...request, completion_expected: ' c' });
    expect(judged).toMatchObject({ result: { token_count: expect.any(Number) } });
  });

  it('curl has a recording written down', async () => {
    const form = ['--form', `file=@${world().recordingPath}`, '--form', `model=${hearer}`];
    const heard = await run(world(), '/v1/audio/transcriptions', form);
    expect(JSON.parse(heard)).toMatchObject({ text: expect.stringMatching(/light/i) });
    const metadata = JSON.stringify({ model: hearer, language: 'en' });
    const own = ['--form', `audiofile=@${world().recordingPath}`, '--form-string', `metadata=${metadata}`];
    expect(JSON.parse(await run(world(), '/transcribe', own))).toMatchObject({
      transcription: expect.stringMatching(/light/i),
    });
  });

  it('curl lists the models', async () => {
    expect(await run(world(), '/v1/models', [])).toContain(`"${describer}"`);
    expect(await run(world(), '/models_available', [])).toContain(`"${describer}"`);
  });

  it('curl is told what is wrong, where, and in which dialect', async () => {
    const flat = await ask(world(), '/tokenize', { model: world().writer, prompt: 7 });
    expect(flat).toMatchObject({ code: 'INVALID_REQUEST', param: 'prompt', error: expect.any(String) });
    const nested = await ask(world(), '/chat/completions', { model: 'nobody', messages: says('hi') });
    expect(nested).toMatchObject({ code: 'UNKNOWN_MODEL', error: { param: 'model' } });
  });

  it('curl can be nice', async () => {
    const body = { model: world().writer, messages: says('hi') };
    const answer = await ask(world(), '/chat/completions?nice=true', body);
    expect(answer).toMatchObject({ object: 'chat.completion' });
    const neither = await ask(world(), '/chat/completions?nice=perhaps', body);
    expect(neither).toMatchObject({ code: 'INVALID_REQUEST', error: { param: 'nice' } });
  });
}
