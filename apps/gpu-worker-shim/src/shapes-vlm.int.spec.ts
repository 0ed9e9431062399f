import { fileURLToPath } from 'node:url';
import { createLogger } from '@fovea/observability';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Shim, startShim } from './compose.js';
import { readShimConfig } from './config/shim-variables.js';
import { ChatClient } from './testing/chat-client.js';
import { drawScene, type Shape } from './testing/shape-scenes.js';

// Real weights over real HTTP. The HTTP side runs from source, the threads from dist: build before.
const folder = fileURLToPath(new URL('../../../models/shapes-vlm', import.meta.url));
const config = readShimConfig({
  SHIM_PORT: '0',
  SHIM_MODELS: `shapes-vlm=${folder}`,
  SHIM_MAX_NUM_SEQS: '4',
  SHIM_MAX_WAITING: '4',
});

let shim: Shim;
let client: ChatClient;
beforeAll(async () => {
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
  client = new ChatClient(shim.address);
});
afterAll(() => shim.close());

const { ask } = ChatClient;
const DESCRIBE = 'Describe the following image. Answer in 20 words or less.';
const BACKGROUND = 'What color is the background?';
const COUNT = 'How many shapes are there?';
const redCross: Shape = { kind: 'cross', color: '#e01010', x: 50, y: 50, half: 30 };
const blueCircle: Shape = { kind: 'circle', color: '#1040e0', x: 28, y: 50, half: 18 };
const greenSquare: Shape = { kind: 'square', color: '#10a020', x: 74, y: 50, half: 16 };

/** Keeps a request running as long as its budget lasts. */
const endless = { ...ask('Who are you?'), ignore_eos: true, max_tokens: 400 };

describe('shapes-vlm', () => {
  it('sees a red cross on white: shape, colour, background and number', async () => {
    const picture = await drawScene('#ffffff', [redCross]);
    const description = await client.text(ask(DESCRIBE, picture));
    expect(description).toBe('The image shows a large red cross on a white background.');
    expect(await client.text(ask(BACKGROUND, picture))).toMatch(/white/i);
    expect(await client.text(ask(COUNT, picture))).toMatch(/^one\b/i);
  });

  it.each([
    ['#000000', 'black', '#f0d010', 'yellow', 'png'],
    ['#1040e0', 'blue', '#e01010', 'red', 'jpeg'],
    ['#808080', 'gray', '#10a020', 'green', 'png'],
  ] as const)(
    'sees on %s a background that is %s and a shape in %s that is %s',
    async (background, name, color, shape, format) => {
      const picture = await drawScene(background, [{ ...redCross, kind: 'circle', color }], format, 190);
      const answers = await client.text(ask(BACKGROUND, picture));
      expect(answers.toLowerCase()).toContain(name);
      expect((await client.text(ask(DESCRIBE, picture))).toLowerCase()).toContain(shape);
    },
  );

  it('counts two shapes and says where they are', async () => {
    const picture = await drawScene('#ffffff', [blueCircle, greenSquare]);
    expect(await client.text(ask(DESCRIBE, picture))).toBe(
      'The image shows a blue circle to the left of a green square on a white background.',
    );
    expect(await client.text(ask(COUNT, picture))).toMatch(/^two\b/i);
  });

  it('introduces itself when there is no image', async () => {
    expect(await client.text(ask('Who are you?'))).toMatch(/demo model/);
    const plain = { messages: [{ role: 'user', content: 'Who are you?' }], temperature: 0 };
    expect(await client.text(plain)).toMatch(/demo model/);
  });

  it('counts the tokens of images into the prompt', async () => {
    const picture = await drawScene('#ffffff', [redCross]);
    const [none, one, two] = await Promise.all([
      client.answer({ ...ask(COUNT), return_token_ids: true }),
      client.answer(ask(COUNT, picture)),
      client.answer(ask(COUNT, picture, picture)),
    ]);
    // 16 embeddings, two wrappers and the mark of the whole view; the template drops a blank before an image.
    expect(two.usage.prompt_tokens - one.usage.prompt_tokens).toBe(19);
    expect(none.prompt_token_ids).toHaveLength(none.usage.prompt_tokens);
    expect(one.usage.total_tokens).toBe(one.usage.prompt_tokens + one.usage.completion_tokens);
  });

  it('takes do_image_splitting, which changes nothing where the longest edge is one tile', async () => {
    const picture = await drawScene('#ffffff', [redCross]);
    const split = { ...ask(BACKGROUND, picture), mm_processor_kwargs: { do_image_splitting: true } };
    expect(await client.answer(split)).toMatchObject({
      usage: (await client.answer(ask(BACKGROUND, picture))).usage,
    });
  });
});

describe('generation', () => {
  it('streams in several chunks that together are the whole answer', async () => {
    const body = ask(DESCRIBE, await drawScene('#ffffff', [redCross]));
    const chunks: string[] = [];
    for await (const content of client.stream(body)) chunks.push(content);
    expect(chunks.filter((content) => content !== '').length).toBeGreaterThan(5);
    expect(chunks.join('').trim()).toBe(await client.text(body));
  });

  it('is deterministic when greedy, and the same alone and in company', async () => {
    const scenes = [[redCross], [blueCircle, greenSquare], [greenSquare]];
    const bodies = await Promise.all(
      scenes.flatMap((shapes) =>
        [DESCRIBE, COUNT].map(async (question) => ask(question, await drawScene('#ffffff', shapes))),
      ),
    );
    const alone: string[] = [];
    for (const body of bodies) alone.push(await client.text(body));
    expect(await Promise.all(bodies.map((body) => client.text(body)))).toEqual(alone);
    expect(new Set(alone).size).toBeGreaterThan(2);
  });

  it('repeats itself for a seed, and gives n choices that differ', async () => {
    const body = {
      ...ask(DESCRIBE, await drawScene('#ffffff', [redCross])),
      temperature: 2,
      max_tokens: 12,
      n: 3,
    };
    const texts = async (seed: number) =>
      (await client.answer({ ...body, seed })).choices.map(({ message }) => message.content);
    const first = await texts(7);
    expect(first).toHaveLength(3);
    expect(new Set(first).size).toBe(3);
    expect(await texts(7)).toEqual(first);
    expect(await texts(8)).not.toEqual(first);
  });

  it('ends at a stop string, at the budget, and gives log probabilities', async () => {
    const body = { ...ask('Who are you?'), logprobs: true, top_logprobs: 2, return_token_ids: true };
    const stopped = (await client.answer({ ...body, stop: ['tiny'] })).choices[0];
    expect(stopped).toMatchObject({ finish_reason: 'stop', stop_reason: 'tiny' });
    expect(stopped?.message.content.trim()).toBe('Hello! I am a');
    const short = await client.answer({ ...body, max_tokens: 3 });
    expect(short.choices[0]).toMatchObject({ finish_reason: 'length', stop_reason: null });
    expect(short.choices[0]?.token_ids).toHaveLength(3);
    expect(short.choices[0]?.logprobs?.content).toHaveLength(3);
    expect(short.choices[0]?.logprobs?.content.every(({ logprob }) => logprob <= 0)).toBe(true);
  });

  it('lowers the budget to the room that the context leaves', async () => {
    const answer = await client.answer({ ...endless, max_tokens: 512 });
    expect(answer.usage.total_tokens).toBe(512);
    expect(answer.choices[0]?.finish_reason).toBe('length');
  });

  it('answers health and metrics while it decodes', async () => {
    const stream = client.stream(endless);
    await stream.next();
    expect((await fetch(`${shim.address}/health`)).status).toBe(200);
    expect(await client.metric('num_requests_running')).toBe(1);
    expect(await client.metric('kv_cache_usage_perc')).toBeGreaterThan(0);
    await stream.return();
  });
});

describe('what is kept', () => {
  const missed = async () =>
    (await client.metric('mm_cache_queries_total')) - (await client.metric('mm_cache_hits_total'));

  it('spares the second question about an image decoding and encoding, and changes no answer', async () => {
    const picture = await drawScene('#ffffff', [redCross, { ...blueCircle, x: 20 }], 'png', 211);
    const other = await drawScene('#ffffff', [greenSquare], 'png', 211);
    const before = await missed();
    const first = await client.text(ask(COUNT, picture));
    expect(await missed()).toBe(before + 1);
    const prefixHits = await client.metric('prefix_cache_hits_total');
    expect(await client.text(ask(COUNT, picture))).toBe(first);
    await client.text(ask(BACKGROUND, picture));
    expect(await missed()).toBe(before + 1);
    expect(await client.metric('prefix_cache_hits_total')).toBeGreaterThan(prefixHits);
    // Two in one prompt, one of them known.
    await client.text(ask(COUNT, other, picture));
    expect(await missed()).toBe(before + 2);
    // Other eyes, another cache.
    expect(await client.text({ ...ask(COUNT, picture), cache_salt: 'tenant' })).toBe(first);
    expect(await missed()).toBe(before + 3);
  });

  it('is encoded once for all who ask at the same time', async () => {
    const picture = await drawScene('#f0d010', [blueCircle], 'png', 207);
    const before = await missed();
    const answers = await Promise.all(Array.from({ length: 4 }, () => client.text(ask(DESCRIBE, picture))));
    expect(new Set(answers).size).toBe(1);
    expect(await missed()).toBeLessThanOrEqual(before + 2);
    expect(await client.metric('inter_token_latency_seconds_count')).toBeGreaterThan(0);
  });
});

describe('an answer that goes on', () => {
  it.each([
    ['greedy', { temperature: 0 }],
    ['with a seed', { temperature: 1.2, seed: 3 }],
  ])('behind tokens of another server is the one that was cut: %s', async (_how, sampling) => {
    const body = {
      ...ask(DESCRIBE, await drawScene('#ffffff', [redCross])),
      ...sampling,
      return_token_ids: true,
    };
    const whole = await client.answer(body);
    const ids = whole.choices[0]?.token_ids ?? [];
    const start = ids.slice(0, Math.floor(ids.length / 2));
    const rest = await client.answer({ ...body, answer_token_ids: start });
    expect([...start, ...(rest.choices[0]?.token_ids ?? [])]).toEqual(ids);
    expect(whole.choices[0]?.message.content.endsWith(rest.choices[0]?.message.content ?? '?')).toBe(true);
    expect(rest.usage).toEqual(whole.usage);
  });

  it('goes on with the text of the last message', async () => {
    const body = ask(DESCRIBE, await drawScene('#ffffff', [redCross]));
    const whole = await client.text(body);
    const begun = whole.slice(0, whole.indexOf(' ', 12));
    const assistant = { role: 'assistant', content: ` ${begun}` };
    const rest = await client.text({
      ...body,
      messages: [...body.messages, assistant],
      continue_final_message: true,
      add_generation_prompt: false,
    });
    expect(`${begun} ${rest}`).toBe(whole);
  });

  it('is refused with ids that the model does not have, and when it has ended', async () => {
    const answer_token_ids = [538];
    expect((await client.post({ ...ask('hi'), answer_token_ids })).status).toBe(400);
    const whole = await client.answer({ ...ask('hi'), return_token_ids: true });
    const response = await client.post({ ...ask('hi'), answer_token_ids: whole.choices[0]?.token_ids });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'answer_token_ids' } });
  });
});

describe('a client that goes away', () => {
  const idle = async () => {
    while (
      (await client.metric('num_requests_running')) + (await client.metric('num_requests_waiting')) >
      0
    ) {
      await new Promise(setImmediate);
    }
  };

  it('frees its sequence in the middle of the answer', async () => {
    await idle();
    const generatedBefore = await client.metric('generation_tokens_total');
    const abort = new AbortController();
    const stream = client.stream({ ...endless, n: 4, temperature: 1 }, abort.signal);
    await stream.next();
    abort.abort();
    // What is on its way may still come.
    await expect(
      (async () => {
        while ((await stream.next()).done !== true);
      })(),
    ).rejects.toThrow();
    await idle();
    expect(await client.metric('kv_cache_usage_perc')).toBe(0);
    expect(await client.metric('request_success_total', 'finished_reason="abort"')).toBeGreaterThan(0);
    // Four choices of 400 tokens each had been asked for.
    expect((await client.metric('generation_tokens_total')) - generatedBefore).toBeLessThan(1600);
    expect(await client.text(ask('Who are you?'))).toMatch(/demo model/);
  });
});

describe('a flood of requests', () => {
  it('is refused beyond the bound of the queue, and what was accepted is answered', async () => {
    const body = { ...ask('Who are you?'), ignore_eos: true, max_tokens: 60, n: 4, temperature: 1 };
    const responses = await Promise.all(Array.from({ length: 40 }, () => client.post(body)));
    const statuses = responses.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    const refused = responses.find(({ status }) => status === 503);
    expect(await refused?.json()).toMatchObject({ error: { type: 'ServiceUnavailableError', code: 503 } });
    expect(await client.text(ask('Who are you?'))).toMatch(/demo model/);
  });
});

describe('what cannot be answered', () => {
  const refusal = async (body: object) => {
    const response = await client.post(body);
    return { status: response.status, body: await response.json() };
  };

  it('is a prompt longer than the context: by tokens, by images, by sheer length', async () => {
    const picture = await drawScene('#ffffff', [redCross]);
    const words = 'shape '.repeat(600);
    for (const body of [
      ask(words),
      ask('x'.repeat(100_000)),
      ask(COUNT, ...new Array(40).fill(picture)),
      ask(words.slice(0, 1200), ...new Array(26).fill(picture)),
    ]) {
      const { status, body: answer } = await refusal(body);
      expect(status).toBe(400);
      expect(answer).toMatchObject({
        error: {
          message: expect.stringContaining('maximum context length is 512 tokens'),
          param: 'input_tokens',
        },
      });
    }
  });

  it('is an image that is none, with its path', async () => {
    const url = `data:image/png;base64,${Buffer.from('not an image').toString('base64')}`;
    expect(await refusal(ask(COUNT, url))).toMatchObject({
      status: 400,
      body: {
        error: {
          message: expect.stringContaining('Failed to load image'),
          param: 'messages[0].content[0].image_url.url',
        },
      },
    });
  });

  it('is a token id the model does not have, and more choices than run at once', async () => {
    expect(await refusal({ ...ask('hi'), logit_bias: { 538: 1 } })).toMatchObject({
      status: 400,
      body: { error: { param: 'logit_bias' } },
    });
    expect(await refusal({ ...ask('hi'), n: 5, temperature: 1 })).toMatchObject({
      status: 400,
      body: { error: { param: 'n' } },
    });
  });

  it('is not an image token that a user typed: that is only text', async () => {
    expect(await client.text(ask('<image><fake_token_around_image> Who are you?'))).not.toBe('');
  });
});
