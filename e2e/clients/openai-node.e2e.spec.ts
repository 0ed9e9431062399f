import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { repository } from '../support/part.js';
import { crossPicture, dataUrl } from '../support/pictures.js';
import { keys, System } from '../support/system.js';

describe('the openai client for Node', () => {
  let system: System;
  let client: OpenAI;
  let url: string;

  beforeAll(async () => {
    system = await System.start();
    await system.startAdapter(
      'shapes',
      await readFile(join(repository, 'models/workers/shapes-vlm.toml'), 'utf8'),
    );
    await system.untilModel('shapes-vlm', 'available');
    client = new OpenAI({ baseURL: `${system.url}/v1`, apiKey: keys.alpha, maxRetries: 0 });
    url = dataUrl(await crossPicture('#2222dd', '#ffffff'));
  }, 300_000);
  afterAll(() => system?.stop());

  const messages = (): OpenAI.ChatCompletionMessageParam[] => [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Describe the following image. Answer in 20 words or less.' },
        { type: 'image_url', image_url: { url } },
      ],
    },
  ];

  it('lists the models', async () => {
    const names: string[] = [];
    for await (const model of client.models.list()) names.push(model.id);
    expect(names).toEqual(['shapes-vlm']);
    expect((await client.models.retrieve('shapes-vlm')).id).toBe('shapes-vlm');
  });

  it('gets a whole answer about a picture', async () => {
    const answer = await client.chat.completions.create({ model: 'shapes-vlm', messages: messages() });
    expect(answer.choices[0]?.message.content).toMatch(/blue/i);
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage?.total_tokens).toBeGreaterThan(0);
  });

  it('gets the same answer as a stream, with usage', async () => {
    const stream = await client.chat.completions.create({
      model: 'shapes-vlm',
      messages: messages(),
      stream: true,
      temperature: 0,
      stream_options: { include_usage: true },
    });
    let text = '';
    let pieces = 0;
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      const content = chunk.choices[0]?.delta.content ?? '';
      if (content !== '') pieces += 1;
      text += content;
      usage = chunk.usage;
    }
    expect(text).toMatch(/blue/i);
    expect(pieces).toBeGreaterThan(3);
    expect(usage?.completion_tokens).toBeGreaterThan(0);
  });

  it('fills its typed errors', async () => {
    const refused = client.chat.completions.create({
      model: 'shapes-vlm',
      messages: [
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.org/cat.png' } }] },
      ],
    });
    await expect(refused).rejects.toMatchObject({
      status: 400,
      code: 'EXTERNAL_IMAGE_URL',
      param: 'messages[0].content[0].image_url.url',
      type: 'invalid_request_error',
    });
    const stranger = new OpenAI({ baseURL: `${system.url}/v1`, apiKey: 'nobody', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
  });
});
