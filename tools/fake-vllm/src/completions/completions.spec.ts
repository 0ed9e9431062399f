import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, startFakeVllm } from '../index.js';
import { eventsOf, SpecClient } from '../spec-client.js';

let fake: FakeVllm;
let client: SpecClient;

beforeEach(async () => {
  fake = await startFakeVllm();
  client = new SpecClient(fake);
});

afterEach(() => fake.close());

const complete = (body: Record<string, unknown>) => client.json('/v1/completions', body);

describe('completions', () => {
  it('answer in vLLM’s shape, sixteen tokens long unless told otherwise', async () => {
    const reply = await complete({ prompt: 'once upon', ignore_eos: true });
    expect(reply).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      model: 'fake-vlm',
      choices: [{ index: 0, logprobs: null, finish_reason: 'length', stop_reason: null, token_ids: null }],
      usage: { prompt_tokens: 2, completion_tokens: 16, total_tokens: 18 },
      kv_transfer_params: null,
    });
  });

  it('number their choices prompt by prompt', async () => {
    fake.script({ times: 'always', behaviour: { tokens: ['x'] } });
    const { choices, usage } = await complete({ prompt: ['a b', 'c'], n: 2, temperature: 1 });
    expect(choices.map((choice: { index: number }) => choice.index)).toEqual([0, 1, 2, 3]);
    expect(usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 4 });
  });

  it('take token ids and give them back', async () => {
    const { tokens } = await client.json('/tokenize', { prompt: 'one two' });
    const { choices } = await complete({ prompt: tokens, return_token_ids: true, echo: true });
    expect(choices[0].prompt_token_ids).toEqual(tokens);
    expect(choices[0].text).not.toMatch(/^one two/);
    expect((await complete({ prompt: tokens, echo: true })).choices[0].text).toMatch(/^one two/);
    const lists = await complete({ prompt: [tokens, tokens] });
    expect(lists.choices).toHaveLength(2);
  });

  it('echo with logprobs: nothing is known of the first token, offsets count characters', async () => {
    fake.script({ behaviour: { tokens: [' c'] } });
    const { choices } = await complete({ prompt: 'a b', echo: true, logprobs: 2 });
    expect(choices[0].text).toBe('a b c');
    const { logprobs } = choices[0];
    expect(logprobs).toMatchObject({ tokens: ['a', ' b', ' c'], text_offset: [0, 1, 3] });
    expect(logprobs.token_logprobs[0]).toBeNull();
    expect(Object.keys(logprobs.top_logprobs[2])[0]).toBe(' c');
  });

  it('are the prompt alone with echo and no tokens', async () => {
    const { choices, usage } = await complete({ prompt: 'a b', echo: true, logprobs: 1, max_tokens: 0 });
    expect(choices[0]).toMatchObject({ text: 'a b', finish_reason: 'length' });
    expect(choices[0].logprobs.tokens).toEqual(['a', ' b']);
    expect(usage.prompt_tokens).toBe(2);
    await expect(complete({ prompt: 'a b', max_tokens: 0 })).rejects.toThrow(/^400/);
  });

  it('are refused when prompt and budget do not fit together', async () => {
    await expect(complete({ prompt: 'a b', max_tokens: 8191 })).rejects.toThrow(/maximum context length/);
    expect((await complete({ prompt: 'a b', max_tokens: 8190 })).choices).toHaveLength(1);
  });

  it('stream without a role chunk and end with usage', async () => {
    fake.script({ behaviour: { tokens: ['x', ' y'] } });
    const stream_options = { include_usage: true };
    const chunks = await eventsOf(
      await client.post('/v1/completions', { prompt: 'p', stream: true, stream_options }),
    );
    expect(chunks.slice(0, -1).map((chunk) => chunk.choices[0]?.text)).toEqual(['x', ' y', '', undefined]);
    expect(chunks.every((chunk) => chunk === 'done' || chunk.object === 'text_completion')).toBe(true);
    expect(chunks.at(-2).usage).toMatchObject({ completion_tokens: 2 });
  });

  it('refuse a suffix', async () => {
    await expect(complete({ prompt: 'p', suffix: 's' })).rejects.toThrow(/^400/);
  });
});
