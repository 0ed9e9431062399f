import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { SeededRandom } from '../sampling/random.js';
import { IncrementalText, readTokenBytes, tokenizerFileSchema } from './token-text.js';

const folder = new URL('../../../../../models/shapes-vlm/', import.meta.url);
const readJson = async (name: string) =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(new URL(name, folder), 'utf8')));
const file = tokenizerFileSchema.parse(await readJson('tokenizer.json'));
const tokens = readTokenBytes(file);
const oracle = new Tokenizer(file, await readJson('tokenizer_config.json'));

function textOf(ids: readonly number[], skipSpecial = true): string[] {
  const text = new IncrementalText(tokens, skipSpecial);
  return [...ids.map((id) => text.push(id)), text.flush()];
}

const samples = ['Hello world', 'naïve café', 'a 👩‍🚀 in 東京\n\ttabs', '\uFEFFmark', 'ß'.repeat(40)];

describe('text from tokens', () => {
  it.each(samples)('is what was encoded: %j', (sample) => {
    const { ids } = oracle.encode(sample, { add_special_tokens: false });
    expect(textOf(ids).join('')).toBe(sample);
  });

  it('never has half a code point: an emoji comes when its last byte is there', () => {
    const { ids } = oracle.encode('👍', { add_special_tokens: false });
    expect(ids.length).toBeGreaterThan(1);
    expect(textOf(ids)).toEqual([...new Array(ids.length - 1).fill(''), '👍', '']);
  });

  it('marks an unfinished code point only at the end', () => {
    const { ids } = oracle.encode('👍', { add_special_tokens: false });
    expect(textOf(ids.slice(0, -1)).at(-1)).toBe('\uFFFD');
  });

  it('is the same for any tokens, piece by piece or at once', () => {
    const random = new SeededRandom(3);
    for (let run = 0; run < 50; run += 1) {
      const ids = Array.from({ length: 40 }, () => 8 + Math.floor(random.next() * (tokens.size - 8)));
      const bytes = Buffer.concat(ids.map((id) => tokens.bytesOf(id) ?? new Uint8Array()));
      expect(textOf(ids).join('')).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    }
  });

  it('leaves special tokens out unless they are asked for', () => {
    const { ids } = oracle.encode('<|im_start|>Hi<end_of_utterance>', { add_special_tokens: false });
    expect(textOf(ids).join('')).toBe('Hi');
    expect(textOf(ids, false).join('')).toBe('<|im_start|>Hi<end_of_utterance>');
  });

  it('is empty for an id that no token has', () => {
    expect(textOf([999_999]).join('')).toBe('');
  });

  it('knows the longest token', () => {
    const all = Array.from({ length: tokens.size }, (_, id) => tokens.bytesOf(id)?.length ?? 0);
    expect(tokens.longest).toBe(Math.max(...all));
  });
});

describe('a tokenizer that is not byte-level', () => {
  it('is refused with its decoder named', () => {
    const other = { ...file, decoder: { type: 'Metaspace' } };
    expect(() => readTokenBytes(other)).toThrow('decoder "Metaspace" is not supported');
    expect(() => readTokenBytes({ ...file, decoder: null })).toThrow('decoder "none"');
  });
});
