import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fovea/observability';
import { tinyDecoder, writeLlamaFolder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';
import { ChatClient } from '../../testing/chat-client.js';
import { type CompletionChoice, CompletionClient } from '../../testing/completion-client.js';

// A model of random weights over real HTTP. The HTTP side runs from source, the threads from dist: build before.

let folder: string;
let shim: Shim;
let client: CompletionClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-completions-'));
  await writeLlamaFolder(folder, { seed: 5, decoder: { ...tinyDecoder, contextTokens: 32_768 } });
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `words=${folder}`, SHIM_MAX_WAITING: '200' });
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
  client = new CompletionClient(shim.address, 'words');
});
afterAll(async () => {
  await shim.close();
  await rm(folder, { recursive: true });
});

/** Ids of letters and words, none of them special. */
const someIds = (length: number) => Array.from({ length }, (_, at) => 3 + ((at * 97 + (at >> 3) * 31) % 370));

const ownLogprobs = (choice: CompletionChoice) =>
  choice.prompt_logprobs!.map((entry, at) => entry?.[choice.prompt_token_ids![at]!]?.logprob ?? null);

/** Keys of JSON objects that are numbers come in their own order. */
const byRank = (entry: NonNullable<NonNullable<CompletionChoice['prompt_logprobs']>[number]>) =>
  Object.values(entry).sort((a, b) => a.rank - b.rank);

describe('a raw prompt', () => {
  it('is token ids, or a text of the same tokens', async () => {
    const ids = someIds(12);
    const fromIds = await client.choice({ prompt: ids });
    expect(fromIds.prompt_token_ids).toEqual(ids);
    expect(fromIds.token_ids).toHaveLength(16);
    const { text } = await client.choice({ prompt: ids, echo: true, max_tokens: 0 });
    const fromText = await client.choice({ prompt: text });
    expect(fromText.text).toBe((await client.choice({ prompt: fromText.prompt_token_ids })).text);
  });

  it('may be several, whose choices come in their order', async () => {
    const prompts = ['What do you see', 'Tell me a story', 'Who', 'How many', 'Second and third', 'Which'];
    const alone = await Promise.all(prompts.map((prompt) => client.choice({ prompt })));
    const { choices, usage } = await client.answer({ prompt: prompts, return_token_ids: true });
    expect(choices).toEqual(alone.map((choice, index) => ({ ...choice, index })));
    const promptTokens = alone.reduce((sum, choice) => sum + choice.prompt_token_ids!.length, 0);
    expect(usage).toMatchObject({ prompt_tokens: promptTokens, completion_tokens: 6 * 16 });
    const ids = alone.map((choice) => choice.prompt_token_ids);
    expect((await client.answer({ prompt: ids, return_token_ids: true })).choices).toEqual(choices);
    const twice = await client.answer({ prompt: prompts.slice(0, 2), n: 2, temperature: 1, seed: 4 });
    expect(twice.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });

  it('may be items of text and token ids, where neighbouring texts are one', async () => {
    const whole = await client.choice({ prompt: 'What do you see in this image?' });
    const texts = ['Wh', 'at do you se', 'e in this image?'].map((text) => ({ type: 'text', text }));
    expect(await client.choice({ prompt_items: texts })).toEqual(whole);
    const ids = whole.prompt_token_ids!;
    const items = [
      { type: 'token_ids', token_ids: ids.slice(0, 3) },
      { type: 'token_ids', token_ids: ids.slice(3) },
    ];
    expect(await client.choice({ prompt_items: items })).toEqual(whole);
    const echoed = await client.choice({ prompt_items: [...texts, items[0]], echo: true, max_tokens: 0 });
    expect(echoed.text).toBe('What do you see in this image?What do you');
  });

  it('takes special tokens of a text as what they are', async () => {
    const { prompt_token_ids: ids } = await client.choice({ prompt: '<|im_start|>user\nWho<|im_end|>' });
    expect([ids?.at(0), ids?.at(-1)]).toEqual([1, 2]);
  });

  it('that is empty is the begin-of-text token', async () => {
    for (const body of [{ prompt: '' }, { prompt: [''] }, { prompt_items: [] }]) {
      expect((await client.choice(body)).prompt_token_ids).toEqual([1]);
    }
  });

  it('has 16 tokens of answer unless told otherwise, and ends as chats do', async () => {
    const { text, token_ids: ids } = await client.choice({ prompt: 'Tell me' });
    expect(ids).toHaveLength(16);
    const stopped = await client.choice({ prompt: 'Tell me', stop: [text.slice(3, 6)] });
    expect(stopped).toMatchObject({
      text: text.slice(0, 3),
      finish_reason: 'stop',
      stop_reason: text.slice(3, 6),
    });
    const byToken = await client.choice({ prompt: 'Tell me', stop_token_ids: [ids![4]], min_tokens: 0 });
    expect(byToken.token_ids).toEqual(ids!.slice(0, 1 + ids!.indexOf(ids![4]!)));
    const barred = await client.choice({ prompt: 'Tell me', logit_bias: { [ids![0]!]: -100 } });
    expect(barred.token_ids).not.toContain(ids![0]);
  });
});

describe('log probabilities', () => {
  it.each([1, 2, 127, 128, 129, 300])(
    'of %i tokens of a prompt are those of the same tokens when generated',
    async (length) => {
      // What is generated behind a prompt is then given as a prompt: the model must think the same of it.
      const start = someIds(length);
      const made = await client.choice({ prompt: start, max_tokens: 20, ignore_eos: true, logprobs: 2 });
      const given = await client.choice({
        prompt: [...start, ...made.token_ids!],
        max_tokens: 0,
        prompt_logprobs: 2,
      });
      expect(given.prompt_logprobs).toHaveLength(length + 20);
      expect(given.prompt_logprobs![0]).toBeNull();
      for (const [at, id] of made.token_ids!.entries()) {
        const entry = given.prompt_logprobs![length + at]!;
        expect(entry[id]!.rank).toBe(1);
        expect(entry[id]!.logprob).toBeCloseTo(made.logprobs!.token_logprobs[at]!, 4);
        const best = byRank(entry).map(({ logprob }) => logprob);
        const sampled = Object.values(made.logprobs!.top_logprobs[at]!).sort((a, b) => b - a);
        expect(best).toHaveLength(2);
        // Two tokens of one text have one entry in the older form.
        if (sampled.length === 2) {
          for (const [rank, logprob] of sampled.entries()) expect(best[rank]).toBeCloseTo(logprob, 4);
        }
      }
    },
  );

  it('do not depend on where a prompt is cut into pieces, nor on what is cached', async () => {
    const ids = someIds(300);
    const all = await client.choice({ prompt: ids, max_tokens: 1, prompt_logprobs: 0 });
    const expected = ownLogprobs(all);
    for (const length of [1, 127, 128, 129, 299, 300]) {
      const body = { prompt: ids.slice(0, length), max_tokens: 1, prompt_logprobs: 0 };
      const own = ownLogprobs(await client.choice(body));
      expect(own).toHaveLength(length);
      for (const [at, logprob] of own.entries()) {
        if (logprob === null) expect(at).toBe(0);
        else expect(logprob).toBeCloseTo(expected[at]!, 4);
      }
    }
  });

  it('sum up to at most one, and hold the token itself beside the best ones', async () => {
    const { prompt_logprobs: entries, prompt_token_ids: ids } = await client.choice({
      prompt: someIds(40),
      max_tokens: 0,
      prompt_logprobs: 20,
    });
    for (const [at, entry] of entries!.slice(1).entries()) {
      const own = entry![ids![at + 1]!]!;
      const all = byRank(entry!);
      expect(all).toHaveLength(own.rank <= 20 ? 20 : 21);
      expect(all.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeLessThan(1 + 1e-6);
      expect(all.map(({ logprob }) => logprob)).toEqual(
        [...all].map(({ logprob }) => logprob).sort((a, b) => b - a),
      );
      expect(all.slice(0, 20).map(({ rank }) => rank)).toEqual(
        Array.from({ length: 20 }, (_, rank) => rank + 1),
      );
    }
  });

  it('stand beside an echo, with offsets of their tokens in the text', async () => {
    const choice = await client.choice({
      prompt: 'What? Ünïcödé 🎈 yes',
      echo: true,
      logprobs: 3,
      max_tokens: 6,
    });
    const { tokens, token_logprobs: own, top_logprobs: top, text_offset: offsets } = choice.logprobs!;
    const promptTokens = choice.prompt_token_ids!.length;
    expect(choice.text.startsWith('What? Ünïcödé 🎈 yes')).toBe(true);
    expect([tokens.length, own.length, top.length, offsets.length]).toEqual(
      new Array(4).fill(promptTokens + choice.token_ids!.length),
    );
    expect([own[0], top[0]]).toEqual([null, null]);
    const points = [...choice.text];
    for (const [at, token] of tokens.entries()) {
      if (token.includes('\uFFFD')) continue;
      expect(points.slice(offsets[at], offsets[at]! + [...token].length).join('')).toBe(token);
      if (at > 0) expect(top[at]![token]).toBeCloseTo(own[at]!, 6);
    }
    const told = await client.choice({ prompt: choice.prompt_token_ids, prompt_logprobs: 0, max_tokens: 0 });
    const again = ownLogprobs(told);
    for (let at = 1; at < promptTokens; at += 1) expect(own[at]).toBeCloseTo(again[at]!, 5);
  });

  it('of an echo alone are those of the prompt, and nothing is generated', async () => {
    const { choices, usage } = await client.answer({
      prompt: 'Tell me a story',
      echo: true,
      logprobs: 0,
      max_tokens: 0,
    });
    expect(choices[0]).toMatchObject({ text: 'Tell me a story', finish_reason: 'length', token_ids: null });
    expect(choices[0]!.logprobs!.tokens.join('')).toBe('Tell me a story');
    expect(usage.completion_tokens).toBe(0);
  });

  it('are the same alone and in company', async () => {
    const bodies = Array.from({ length: 12 }, (_, at) => ({
      prompt: someIds(20 + 23 * at),
      echo: at % 2 === 0,
      logprobs: at % 3,
      max_tokens: 5 + at,
    }));
    const alone = [];
    for (const body of bodies) alone.push(await client.choice(body));
    const together = await Promise.all(bodies.map((body) => client.choice(body)));
    for (const [at, choice] of together.entries()) {
      const { logprobs, ...rest } = choice;
      const { logprobs: expected, ...others } = alone[at]!;
      expect(rest).toEqual(others);
      expect(logprobs!.tokens).toEqual(expected!.tokens);
      for (const [token, logprob] of logprobs!.token_logprobs.entries()) {
        if (logprob !== null) expect(logprob).toBeCloseTo(expected!.token_logprobs[token]!, 4);
      }
    }
  });
});

describe('a stream', () => {
  it('has the text, log probabilities and counts of a whole answer', async () => {
    const body = {
      prompt: ['What do you see', 'Who are you?'],
      echo: true,
      logprobs: 2,
      max_tokens: 8,
      ignore_eos: true,
      return_token_ids: true,
    };
    const whole = await client.answer(body);
    const chunks = await client.chunks({ ...body, stream_options: { include_usage: true } });
    expect(chunks.pop()).toMatchObject({ choices: [], usage: whole.usage });
    expect(chunks).toHaveLength(16);
    for (const choice of whole.choices) {
      const own = chunks.flatMap((chunk) => chunk.choices.filter(({ index }) => index === choice.index));
      expect(own.map(({ text }) => text).join('')).toBe(choice.text);
      expect(own.flatMap(({ token_ids: ids }) => ids ?? [])).toEqual(choice.token_ids);
      expect(own[0]!.prompt_token_ids).toEqual(choice.prompt_token_ids);
      expect(own.map(({ finish_reason: reason }) => reason)).toEqual([...new Array(7).fill(null), 'length']);
      const tokens = own.flatMap(({ logprobs }) => logprobs?.tokens ?? []);
      const offsets = own.flatMap(({ logprobs }) => logprobs?.text_offset ?? []);
      expect([tokens, offsets]).toEqual([choice.logprobs!.tokens, choice.logprobs!.text_offset]);
    }
  });

  it('frees its places when the client leaves, whatever stage it is in', async () => {
    const metrics = new ChatClient(shim.address);
    const busy = async () =>
      (await metrics.metric('num_requests_running')) + (await metrics.metric('num_requests_waiting'));
    // So long that none ends before it has been seen and left, however busy the machine is.
    const long = { max_tokens: 30_000, ignore_eos: true };
    const bodies = [
      { ...long, prompt: someIds(450), echo: true, logprobs: 20 },
      { ...long, prompt: Array.from({ length: 20 }, (_, at) => someIds(100 + at)) },
      { ...long, prompt: someIds(10), stream: true },
    ];
    for (const body of bodies) {
      const abort = new AbortController();
      const asked = client.post(body, abort.signal).then((response) => response.text());
      const failed = expect(asked).rejects.toThrow();
      while ((await busy()) === 0) await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      await failed;
      while ((await busy()) > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await metrics.metric('kv_cache_usage_perc')).toBe(0);
  });
});
