import { copyFile, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fovea/observability';
import { tinyDecoder, writeIdefics3Folder, writeLlamaFolder } from '@fovea/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShim } from '../compose.js';
import { readShimConfig } from '../config/shim-variables.js';

// What an operator reads when a folder cannot be served. Threads run from dist: build before.

const DECODER = 'onnx/decoder_model_merged.onnx';
let narrow: string;
let folder: string;

beforeAll(async () => {
  narrow = await mkdtemp(join(tmpdir(), 'fovea-narrow-'));
  await writeIdefics3Folder(narrow, { decoder: { ...tinyDecoder, hiddenSize: 32 } });
});
afterAll(() => rm(narrow, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-broken-'));
});
afterEach(() => rm(folder, { recursive: true }));

const path = (name: string) => join(folder, name);
const write = (name: string, content: string) => writeFile(path(name), content);

async function change(name: string, fields: object): Promise<void> {
  const content: object = JSON.parse(await readFile(path(name), 'utf8'));
  await write(name, JSON.stringify({ ...content, ...fields }));
}

/** Replaces a text in a graph by another one of the same length. */
async function patch(name: string, from: string, to: string): Promise<void> {
  const bytes = await readFile(path(name), 'latin1');
  await writeFile(path(name), bytes.replaceAll(from, to), 'latin1');
}

async function refusal(env: Record<string, string> = {}): Promise<string> {
  const config = readShimConfig({ SHIM_PORT: '0', SHIM_MODELS: `model=${folder}`, ...env });
  try {
    const shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
    await shim.close();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('The folder was served.');
}

type Break = readonly [what: string, breakIt: () => Promise<unknown>, file: string, reason: string];

const missing = (name: string): Break => [
  `has no ${name}`,
  () => rm(path(name)),
  name,
  'the file is missing',
];
const brokenJson = (name: string): Break => [
  `has a cut ${name}`,
  () => truncate(path(name), 9),
  name,
  'JSON',
];

describe('a folder of Idefics3', () => {
  beforeEach(() => writeIdefics3Folder(folder));

  it.each<Break>([
    ...['config.json', 'tokenizer.json', 'tokenizer_config.json'].map(missing),
    ...['preprocessor_config.json', 'processor_config.json', DECODER].map(missing),
    ...['onnx/embed_tokens.onnx', 'onnx/vision_encoder.onnx'].map(missing),
    ...['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'].map(brokenJson),
    [
      'names no image token',
      () => change('config.json', { image_token_id: undefined }),
      'config.json',
      'image_token_id',
    ],
    [
      'names another image token than its tokenizer',
      () => change('config.json', { image_token_id: 1 }),
      'tokenizer.json',
      '"<image>" is token 4, not image_token_id 1',
    ],
    [
      'is of a type that nobody knows',
      () => change('config.json', { model_type: 'mamba' }),
      'config.json',
      'model_type "mamba" is not one of idefics3',
    ],
    [
      'has another image processor',
      () => change('preprocessor_config.json', { image_processor_type: 'Qwen2VLImageProcessor' }),
      'preprocessor_config.json',
      'image_processor_type',
    ],
    [
      'contradicts itself about tokens',
      () => change('processor_config.json', { image_seq_len: 5 }),
      'processor_config.json',
      'image_seq_len is 5',
    ],
    [
      'has a template that is none',
      () => change('tokenizer_config.json', { chat_template: '{% for %}' }),
      'tokenizer.json',
      'the chat template cannot be parsed: Unexpected token',
    ],
    [
      'forgets behind a window',
      () => change('config.json', { text_config: { max_position_embeddings: 512, sliding_window: 64 } }),
      'config.json',
      'sliding_window is 64',
    ],
    [
      'has a tokenizer that is empty',
      () => write('tokenizer.json', '{}'),
      'tokenizer.json',
      'tokenizer.json: added_tokens: Invalid input',
    ],
    [
      'has a tokenizer whose vocabulary is a list',
      () => change('tokenizer.json', { model: { type: 'BPE', vocab: ['a'], merges: [] } }),
      'tokenizer.json',
      'tokenizer.json: model.vocab: ',
    ],
    [
      'ends answers with a token that the graph does not have',
      () => change('generation_config.json', { eos_token_id: [3, 448] }),
      'generation_config.json',
      "generation_config.json: eos_token_id 448 is not one of the graph's 448 tokens",
    ],
    [
      'has another graph in the place of its embeddings',
      () => copyFile(path('onnx/vision_encoder.onnx'), path('onnx/embed_tokens.onnx')),
      'onnx/embed_tokens.onnx',
      'embed_tokens.onnx: the graph has no "input_ids"',
    ],
    [
      'has embeddings for another decoder',
      () => copyFile(join(narrow, 'onnx/embed_tokens.onnx'), path('onnx/embed_tokens.onnx')),
      'onnx/embed_tokens.onnx',
      'embed_tokens.onnx: embeddings have 32 floats, the decoder takes 64',
    ],
    // Holes: they take no room on the disk.
    ...[DECODER, 'onnx/vision_encoder.onnx'].map((name): Break => {
      return [
        `has a ${name} of a TiB`,
        () => truncate(path(name), 2 ** 40),
        name,
        'too large: the graph has 1048576 MiB',
      ];
    }),
    ['has a cut graph', () => truncate(path(DECODER), 9000), DECODER, 'protobuf'],
    ['has a graph that is none', () => write(DECODER, 'version https://git-lfs'), DECODER, 'protobuf'],
    [
      'has a cache that is not of keys and values alone',
      () => patch(DECODER, 'position_ids', 'conv_state_0'),
      DECODER,
      'needs "conv_state_0"',
    ],
    [
      'has an encoder for another decoder',
      () => copyFile(join(narrow, 'onnx/vision_encoder.onnx'), path('onnx/vision_encoder.onnx')),
      'onnx/vision_encoder.onnx',
      'embeddings have 32 floats, the decoder takes 64',
    ],
    [
      'wants a precision that is not there',
      () => change('config.json', { 'transformers.js_config': { dtype: 'q4' } }),
      'onnx/embed_tokens_q4.onnx',
      'there is fp32',
    ],
  ])('that %s is refused with the file and the reason', async (_what, breakIt, file, reason) => {
    await breakIt();
    const message = await refusal();
    expect(message).toContain(path(file));
    expect(message).toContain(reason);
    // What is wrong, not where the program found it.
    expect(message).not.toContain('\n');
  });

  it('is refused when it has none of the operator’s precisions', async () => {
    expect(await refusal({ SHIM_DTYPES: 'q4,q8' })).toContain(
      'embed_tokens_q4.onnx or embed_tokens_quantized.onnx: the file is missing; there is fp32',
    );
  });
});

describe('a folder of text alone with its weights in a file of their own', () => {
  const DATA = 'onnx/model.onnx_data';
  beforeEach(() => writeLlamaFolder(folder, { hasExternalData: true }));

  it.each<Break>([
    ['lacks that file', () => rm(path(DATA)), 'onnx/model.onnx', 'model.onnx_data'],
    ['has a part of that file', () => truncate(path(DATA), 50_000), 'onnx/model.onnx', 'file_length: 50000'],
    [
      'looks for it outside of the folder',
      async () => {
        await rename(path(DATA), path('weights_data'));
        await patch('onnx/model.onnx', 'model.onnx_data', '../weights_data');
      },
      'onnx/model.onnx',
      'directory',
    ],
    ['lacks its graph', () => rm(path('onnx/model.onnx')), 'onnx/model.onnx', 'the file is missing'],
    [
      'has a normalizer that may change words',
      async () => change('tokenizer.json', { normalizer: { type: 'Lowercase' } }),
      'tokenizer.json',
      'normalizer',
    ],
    [
      'has a tokenizer that is not byte-level',
      async () => change('tokenizer.json', { decoder: { type: 'Metaspace' } }),
      'tokenizer.json',
      'Metaspace',
    ],
  ])('that %s is refused with the file and the reason', async (_what, breakIt, file, reason) => {
    await breakIt();
    const message = await refusal();
    expect(message).toContain(path(file));
    expect(message).toContain(reason);
  });
});
