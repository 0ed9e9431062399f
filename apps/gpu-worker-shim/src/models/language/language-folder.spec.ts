import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeLlamaFolder } from '@fovea/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readModelFile } from '../model-folder.js';
import { decoderConfigSchema, readLanguageFolder } from './language-folder.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-language-'));
  await writeLlamaFolder(folder);
});
afterEach(() => rm(folder, { recursive: true }));

async function change(name: string, fields: object): Promise<void> {
  const file = join(folder, name);
  const content: object = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...content, ...fields }));
}

const read = async () =>
  readLanguageFolder(folder, await readModelFile(folder, 'config.json', decoderConfigSchema));

describe('the folder of a chat model', () => {
  it('says how long a context is and which tokens end an answer', async () => {
    expect(await read()).toMatchObject({ maxModelLen: 512, eosTokenIds: [2] });
    await change('generation_config.json', { eos_token_id: [2, 0], temperature: 0.5 });
    expect(await read()).toMatchObject({ eosTokenIds: [2, 0], generation: { temperature: 0.5 } });
    await rm(join(folder, 'generation_config.json'));
    expect((await read()).eosTokenIds).toEqual([2]);
  });

  it('has its chat template in one of four places', async () => {
    await change('tokenizer_config.json', { chat_template: 'plain' });
    expect((await read()).chatTemplate).toBe('plain');
    const named = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'named' },
    ];
    await change('tokenizer_config.json', { chat_template: named });
    expect((await read()).chatTemplate).toBe('named');
    await writeFile(join(folder, 'chat_template.json'), '{ "chat_template": "json" }');
    expect((await read()).chatTemplate).toBe('json');
    await writeFile(join(folder, 'chat_template.jinja'), 'jinja');
    expect((await read()).chatTemplate).toBe('jinja');
  });

  it.each([
    ['has none', { chat_template: undefined }],
    ['names none "default"', { chat_template: [{ name: 'rag', template: 'x' }] }],
  ])('is refused when it %s', async (_what, fields) => {
    await change('tokenizer_config.json', fields);
    await expect(read()).rejects.toThrow(`${folder}/tokenizer_config.json: no chat_template`);
  });

  it.each([
    ['forgets behind a window', { sliding_window: 128 }, 'sliding_window is 128'],
    ['mixes kinds of layers', { layer_types: ['full_attention', 'conv'] }, 'layer_types has "conv"'],
    [
      'has layers with a window',
      { layer_types: ['full_attention', 'sliding_attention'] },
      'layer_types has "sliding_attention"',
    ],
  ])('is refused when its model %s', async (_what, fields, reason) => {
    await change('config.json', fields);
    await expect(read()).rejects.toThrow(`${folder}/config.json: ${reason}`);
  });

  it.each([
    ['is not used', { sliding_window: 128, use_sliding_window: false }],
    ['is as long as the context', { sliding_window: 512 }],
    ['is none', { sliding_window: null }],
  ])('may speak of a window that %s', async (_what, fields) => {
    await change('config.json', fields);
    expect((await read()).maxModelLen).toBe(512);
  });
});
