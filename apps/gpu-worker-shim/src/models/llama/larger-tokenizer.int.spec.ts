import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fovea/observability';
import { writeLlamaFolder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Shim, startShim } from '../../compose.js';
import { readShimConfig } from '../../config/shim-variables.js';

// A tokenizer that knows a word which the graph has no embedding for. Threads run from dist: build before.

let folder: string;
let shim: Shim;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-larger-'));
  await writeLlamaFolder(folder);
  const file = join(folder, 'tokenizer.json');
  const tokenizer = JSON.parse(await readFile(file, 'utf8'));
  tokenizer.added_tokens.push({ id: 5000, content: 'Zwölfboxkämpfer', special: false });
  await writeFile(file, JSON.stringify(tokenizer));
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `tiny=${folder}` });
  shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
});
afterAll(async () => {
  await shim.close();
  await rm(folder, { recursive: true });
});

async function post(path: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${shim.address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'tiny', max_tokens: 2, ...body }),
  });
  return { status: response.status, body: await response.json() };
}

const chat = (content: string) => post('/v1/chat/completions', { messages: [{ role: 'user', content }] });

describe('a word that the tokenizer has and the graph has not', () => {
  it('is refused with the field, and disturbs nobody', async () => {
    const [refused, raw, answered] = await Promise.all([
      chat('Who? Zwölfboxkämpfer!'),
      post('/v1/completions', { prompt: 'Zwölfboxkämpfer' }),
      chat('Who?'),
    ]);
    const message = expect.stringContaining('token_id 5000');
    expect(refused).toMatchObject({ status: 400, body: { error: { param: 'messages', message } } });
    expect(raw).toMatchObject({ status: 400, body: { error: { param: 'prompt', message } } });
    expect(answered.status).toBe(200);
  });
});
