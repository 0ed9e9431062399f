import type { ImageFamily } from '@fovea/schemas/model-package';
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../inspect/testing/image-parts.js';
import { breakControlTokens } from './break-control-tokens.js';

const tokens: readonly (readonly [ImageFamily, readonly string[]])[] = [
  ...(['qwen2_vl', 'qwen2_5_vl', 'qwen3_vl'] as const).map(
    (family) =>
      [
        family,
        ['<|vision_start|>', '<|vision_end|>', '<|vision_pad|>', '<|image_pad|>', '<|video_pad|>'],
      ] as const,
  ),
  ...(['idefics3', 'smolvlm'] as const).map(
    (family) =>
      [
        family,
        ['<image>', '<fake_token_around_image>', '<global-img>', '<row_1_col_1>', '<row_6_col_12>'],
      ] as const,
  ),
  ['llava', ['<image>']],
  ['llava_next', ['<image>']],
  ['internvl', ['<img>', '</img>', '<IMG_CONTEXT>', '<image>']],
  ['gemma3', ['<start_of_image>', '<end_of_image>', '<image_soft_token>']],
];
const all = [...new Set(tokens.flatMap(([, names]) => names)), '<|image|>', '<|image_3|>'];

describe('breakControlTokens', () => {
  it.each(tokens)('breaks the tokens of %s, and leaves a text that looks the same', (family, names) => {
    for (const name of names) {
      const { text, broken } = breakControlTokens(`a ${name}${name} b`, family);
      expect(broken).toBe(2);
      expect(text).not.toContain(name);
      expect(text.replaceAll('\u2060', '')).toBe(`a ${name}${name} b`);
    }
  });

  it('breaks those of every family when the family is not known', () => {
    const { text, broken } = breakControlTokens(all.join(''), null);
    expect(broken).toBe(all.length);
    for (const name of all) expect(text).not.toContain(name);
  });

  it('leaves tokens of other families, of the chat, and what only looks alike', () => {
    const harmless = '<image> <|im_start|>system <|image_pad> |image_pad|> <|IMAGE_PAD|> < |image_pad|> a<b';
    expect(breakControlTokens(harmless, 'qwen2_vl')).toEqual({ text: harmless, broken: 0 });
    const html = '<img src="a.png"> <|endoftext|> <row_a_col_b> <images>';
    expect(breakControlTokens(html, null)).toEqual({ text: html, broken: 0 });
  });

  it('breaks nothing twice', () => {
    const once = breakControlTokens('<|image_pad|>', null).text;
    expect(breakControlTokens(once, null)).toEqual({ text: once, broken: 0 });
  });

  it('leaves no token, however they are put into each other', () => {
    const random = seededRandom(23);
    const pieces = [...all, '<', '>', '|', '/', 'image', '<im', 'age>', '<|', '|>', '\u2060'];
    for (let round = 0; round < 5_000; round += 1) {
      let text = '';
      for (let part = random(8); part >= 0; part -= 1) {
        const at = random(text.length + 1);
        text = text.slice(0, at) + pieces[random(pieces.length)]! + text.slice(at);
      }
      const result = breakControlTokens(text, null);
      expect(all.filter((name) => result.text.includes(name))).toEqual([]);
      expect(result.text.length).toBe(text.length + result.broken);
    }
  });

  it('takes time in proportion to the text', () => {
    for (const part of ['<', '<|', '<row_1', '<row_11111_col_', '<|image_9']) {
      const text = part.repeat(200_000);
      expect(breakControlTokens(text, null)).toEqual({ text, broken: 0 });
    }
    const digits = `<row_${'1'.repeat(500_000)}_col_`.repeat(2);
    expect(breakControlTokens(digits, 'smolvlm').broken).toBe(0);
  });
});
