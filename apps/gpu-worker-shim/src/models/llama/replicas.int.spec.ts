import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fovea/observability';
import { tinyDecoder, writeLlamaFolder } from '@fovea/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';
import { ChatClient } from '../../testing/chat-client.js';
import { CompletionClient } from '../../testing/completion-client.js';

// Two decoders of one model behind real HTTP. The HTTP side runs from source, the threads from dist: build before.

const folders: string[] = [];
const shims: Shim[] = [];
afterEach(async () => {
  await Promise.all(shims.splice(0).map((shim) => shim.close()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function start(env: Record<string, string>, contextTokens = 512) {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-replicas-'));
  folders.push(folder);
  await writeLlamaFolder(folder, { seed: 6, decoder: { ...tinyDecoder, contextTokens } });
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `tiny=${folder}`, ...env });
  const shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
  shims.push(shim);
  const metrics = new ChatClient(shim.address);
  const maxModelLen = async () => {
    const { data } = z
      .object({ data: z.array(z.object({ max_model_len: z.number() })) })
      .parse(await (await fetch(`${shim.address}/v1/models`)).json());
    return data[0]?.max_model_len;
  };
  return { client: new CompletionClient(shim.address, 'tiny'), metrics, maxModelLen };
}

/** Prompts that begin differently. */
const prompts = Array.from({ length: 10 }, (_, at) =>
  Array.from({ length: 40 + at }, (_, place) => 30 + ((at * 31 + place * 7) % 200)),
);
const bodies = prompts.map((prompt, at) => ({ prompt, max_tokens: 10 + 3 * at, ignore_eos: true }));

describe('two decoders of one model', () => {
  it('give the answers of one, and counts that are sums', async () => {
    const one = await start({ SHIM_DECODER_REPLICAS: '1' });
    const expected = await Promise.all(bodies.map((body) => one.client.choice(body)));
    const { client, metrics } = await start({ SHIM_DECODER_REPLICAS: '2' });
    expect(await Promise.all(bodies.map((body) => client.choice(body)))).toEqual(expected);
    const tokens = prompts.flat().length;
    expect(await metrics.metric('prefix_cache_queries_total')).toBe(tokens);
    expect(await metrics.metric('prefix_cache_hits_total')).toBe(0);
    // One after the other, when both have nothing to do: only who knows the prompt finds it.
    for (const [at, body] of bodies.entries()) expect(await client.choice(body)).toEqual(expected[at]);
    expect(await metrics.metric('prefix_cache_queries_total')).toBe(2 * tokens);
    // Whole blocks of 16: two of each prompt, three of those longer than 48.
    expect(await metrics.metric('prefix_cache_hits_total')).toBe(9 * 32 + 48);
  });

  it('free what clients leave', async () => {
    // So long that none ends before all have come and gone, however busy the machine is.
    const env = { SHIM_DECODER_REPLICAS: '2', SHIM_MAX_NUM_SEQS: '4' };
    const { client, metrics } = await start(env, 32_768);
    const busy = async () =>
      (await metrics.metric('num_requests_running')) + (await metrics.metric('num_requests_waiting'));
    const abort = new AbortController();
    const asked = bodies.map(({ prompt }) =>
      client
        .post({ prompt, max_tokens: 32_000, ignore_eos: true }, abort.signal)
        .then((answer) => answer.text()),
    );
    const left = Promise.allSettled(asked);
    while ((await busy()) < bodies.length) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    expect((await left).map(({ status }) => status)).toEqual(bodies.map(() => 'rejected'));
    while ((await busy()) > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await metrics.metric('kv_cache_usage_perc')).toBe(0);
  });

  it('run more choices of one request than are the part of each', async () => {
    const { client } = await start({ SHIM_DECODER_REPLICAS: '2', SHIM_MAX_NUM_SEQS: '4' });
    const { choices } = await client.answer({ ...bodies[0], n: 4, temperature: 1, seed: 1 });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });
});

describe('memory for keys and values', () => {
  // 512 bytes a token: two layers, two heads of 16 floats.
  const env = { SHIM_KV_CACHE_MIB: '1' };

  it('is shared by as many decoders as were asked for, and shortens the context', async () => {
    const { maxModelLen, client } = await start({ ...env, SHIM_DECODER_REPLICAS: '4' }, 4096);
    expect(await maxModelLen()).toBe(512);
    const refused = await client.post({ prompt: new Array(600).fill(40), max_tokens: 1 });
    expect(refused.status).toBe(400);
  });

  it('is that of a single one where nobody asked for more and the context would become shorter', async () => {
    const { maxModelLen } = await start(env, 4096);
    expect(await maxModelLen()).toBe(2048);
  });
});
