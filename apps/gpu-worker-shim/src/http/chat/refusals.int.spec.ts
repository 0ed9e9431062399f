import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { createLogger } from '@fovea/observability';
import { writeLlamaFolder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';

// Bad requests to this server and to the double of vLLM, which writes what vLLM does. Threads run from dist: build before.

const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.number(),
  }),
});

let folder: string;
let shim: Shim;
let vllm: FakeVllm;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-refusals-'));
  const { maxModelLen } = await writeLlamaFolder(folder);
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `words=${folder}` });
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
  vllm = await startFakeVllm({ model: 'words', maxModelLen, multimodal: false });
});
afterAll(async () => {
  await vllm.close();
  await shim.close();
  await rm(folder, { recursive: true });
});

async function refusal(address: string, body: object) {
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'words', messages: [{ role: 'user', content: 'Hello' }], ...body }),
  });
  const { error } = errorSchema.parse(await response.json());
  return { status: response.status, ...error };
}

const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };

describe('a refusal', () => {
  it.each<[string, object]>([
    ['a negative temperature', { temperature: -1 }],
    ['a temperature that is a word', { temperature: 'hot' }],
    ['no probability mass', { top_p: 0 }],
    ['too much probability mass', { top_p: 1.5 }],
    ['a top_k below -1', { top_k: -2 }],
    ['a min_p above 1', { min_p: 2 }],
    ['a presence penalty above 2', { presence_penalty: 3 }],
    ['a frequency penalty below -2', { frequency_penalty: -3 }],
    ['a repetition penalty of 0', { repetition_penalty: 0 }],
    ['no choices', { n: 0 }],
    ['greedy choices', { n: 2, temperature: 0 }],
    ['no tokens', { max_tokens: 0 }],
    ['more tokens than the context has', { max_tokens: 513 }],
    ['more tokens than the context has, by the newer name', { max_completion_tokens: 513 }],
    ['more tokens at least than at most', { min_tokens: 9, max_tokens: 8 }],
    ['an empty stop string', { stop: '' }],
    ['a bias for a token that is none', { logit_bias: { word: 1 } }],
    ['a bias for a token behind the vocabulary', { logit_bias: { 99999999: 1 } }],
    ['a seed that is a word', { seed: 'lucky' }],
    ['alternatives without log probabilities', { top_logprobs: 2 }],
    ['options of a stream without a stream', { stream_options: { include_usage: true } }],
    ['a model that is not there', { model: 'other' }],
    ['no messages', { messages: [] }],
    ['a picture for a model without eyes', { messages: [{ role: 'user', content: [picture] }] }],
    ['a template of its own', { chat_template: '{{ messages }}' }],
    ['an unknown part', { messages: [{ role: 'user', content: [{ type: 'smell' }] }] }],
    ['a prompt over the context', { messages: [{ role: 'user', content: 'why? '.repeat(600) }] }],
  ])('of %s has vLLM’s status and form', async (_what, body) => {
    const { message, ...form } = await refusal(shim.address, body);
    const { message: expected, ...expectedForm } = await refusal(vllm.url, body);
    // This server also tells the field where vLLM does not, and the way to it where vLLM tells the last step.
    const isWay = form.param?.endsWith(`.${expectedForm.param}`) === true;
    const param = expectedForm.param === null || isWay ? form.param : expectedForm.param;
    expect(form).toEqual({ ...expectedForm, param });
    // Words are vLLM's where clients look for them.
    if (/maximum context length/.test(expected))
      expect(message).toMatch(/maximum context length is 512 tokens/);
  });
});
