import { createReadStream } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import {
  type ClientWorld,
  describer,
  hearer,
  latecomer,
  placeSchema,
  question,
  weatherTool,
} from './world.js';

const clientOf = (world: ClientWorld, maxRetries = 0, apiKey: string = world.key): OpenAI =>
  new OpenAI({ baseURL: `${world.url}/v1`, apiKey, maxRetries });

/** Asks the latecomer, as often as the client tries on its own. */
export async function openAiComesAgain(world: ClientWorld): Promise<string> {
  const request = { model: latecomer, messages: [{ role: 'user' as const, content: 'hi' }] };
  const { choices } = await clientOf(world, 20).chat.completions.create(request);
  return choices[0]?.message.content ?? '';
}

const says = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: 'user', content }];
const aboutPicture = ({ pictureUrl: url }: ClientWorld): OpenAI.ChatCompletionMessageParam[] => [
  {
    role: 'user',
    content: [
      { type: 'text', text: question },
      { type: 'image_url', image_url: { url } },
    ],
  },
];

export function openAiNodeSuite(world: () => ClientWorld): void {
  describe('openai for Node', () => {
    chats(world, () => clientOf(world()));
    otherRoutes(world, () => clientOf(world()));
  });
}

function chats(world: () => ClientWorld, client: () => OpenAI): void {
  it('openai for Node chats, and about a picture', async () => {
    const [text, picture] = await Promise.all([
      client().chat.completions.create({ model: world().writer, messages: says('hello') }),
      client().chat.completions.create({ model: describer, messages: aboutPicture(world()), temperature: 0 }),
    ]);
    expect(text.choices[0]?.message.content).not.toBe('');
    expect(text.usage?.total_tokens).toBeGreaterThan(0);
    expect(picture.choices[0]?.message.content).toMatch(/green/i);
    expect(picture.choices[0]?.finish_reason).toBe('stop');
  });

  it('openai for Node streams an answer, with usage', async () => {
    const stream = await client().chat.completions.create({
      model: describer,
      messages: aboutPicture(world()),
      stream: true,
      temperature: 0,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      pieces.push(chunk.choices[0]?.delta.content ?? '');
      usage = chunk.usage;
    }
    expect(pieces.join('')).toMatch(/green/i);
    expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(3);
    expect(usage?.completion_tokens).toBeGreaterThan(0);
  });

  it('openai for Node calls tools', async () => {
    const { choices } = await client().chat.completions.create({
      model: world().writer,
      messages: says('the weather?'),
      tools: [structuredClone(weatherTool)],
    });
    const [call] = choices[0]?.message.tool_calls ?? [];
    expect(call).toMatchObject({
      function: { name: 'get_weather', arguments: expect.stringContaining('Oslo') },
    });
  });

  it('openai for Node gets JSON of a schema', async () => {
    const { choices } = await client().chat.completions.create({
      model: world().writer,
      messages: says('where?'),
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema: { ...placeSchema } } },
    });
    const answer: unknown = JSON.parse(choices[0]?.message.content ?? '');
    expect(answer).toEqual({ city: expect.stringMatching(/^(?:Rome|Oslo)$/) });
  });
}

function otherRoutes(world: () => ClientWorld, client: () => OpenAI): void {
  it('openai for Node gets vectors: as base64, its default, the same as numbers', async () => {
    const model = world().writer;
    const base64 = await client().embeddings.create({ model, input: ['a', 'b'] });
    const float = await client().embeddings.create({ model, input: 'b', encoding_format: 'float' });
    expect(base64.data).toHaveLength(2);
    const [ours, theirs] = [base64.data[1]?.embedding ?? [], float.data[0]?.embedding ?? []];
    expect(ours).toHaveLength(theirs.length);
    for (const [at, value] of theirs.entries()) expect(ours[at]).toBeCloseTo(value, 5);
  });

  it('openai for Node completes raw prompts, whole and as a stream', async () => {
    const request = { model: world().writer, prompt: 'a b', max_tokens: 4 };
    const whole = await client().completions.create(request);
    const texts: string[] = [];
    for await (const chunk of await client().completions.create({ ...request, stream: true }))
      texts.push(chunk.choices[0]?.text ?? '');
    expect(texts.filter((text) => text !== '').length).toBeGreaterThan(1);
    expect(whole.choices[0]?.text).toBe(texts.join(''));
  });

  it('openai for Node has recordings written down, whole and with times', async () => {
    const file = () => createReadStream(world().recordingPath);
    const heard = await client().audio.transcriptions.create({ model: hearer, file: file() });
    expect(heard.text).toMatch(/light/i);
    const verbose = await client().audio.transcriptions.create({
      model: hearer,
      file: file(),
      response_format: 'verbose_json',
    });
    expect(verbose.segments?.map(({ text }) => text).join('')).toMatch(/light/i);
  });

  it('openai for Node lists the models', async () => {
    const names: string[] = [];
    for await (const model of client().models.list()) names.push(model.id);
    expect(names).toEqual(expect.arrayContaining([describer, hearer]));
    expect((await client().models.retrieve(describer)).id).toBe(describer);
  });

  it('openai for Node fills its typed errors', async () => {
    const content = [{ type: 'image_url' as const, image_url: { url: 'https://example.org/cat.png' } }];
    const refused = client().chat.completions.create({
      model: describer,
      messages: [{ role: 'user', content }],
    });
    await expect(refused).rejects.toMatchObject({
      status: 400,
      code: 'EXTERNAL_IMAGE_URL',
      param: 'messages[0].content[0].image_url.url',
      type: 'invalid_request_error',
    });
    const stranger = clientOf(world(), 0, 'nobody');
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
  });

  it('openai for Node can be nice', async () => {
    const request = { model: world().writer, messages: says('hi') };
    const answer = await client().chat.completions.create(request, { query: { nice: 'true' } });
    expect(answer.choices[0]?.finish_reason).toBe('stop');
  });
}
