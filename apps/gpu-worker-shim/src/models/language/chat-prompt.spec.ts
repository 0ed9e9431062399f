import { describe, expect, it } from '@jest/globals';
import { type AddedToken, tokenizerFileSchema } from '../../engine/text/token-text.js';
import { ChatPrompt } from './chat-prompt.js';

const special: AddedToken[] = [
  { id: 0, content: '<begin>', special: true },
  { id: 1, content: '<end>', special: true },
];
/** Puts <begin> before a text and <end> behind it. */
const tokenizer = tokenizerFileSchema.parse({
  added_tokens: special,
  normalizer: null,
  pre_tokenizer: null,
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '<begin>', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '<end>', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '<begin>': { id: '<begin>', ids: [0], tokens: ['<begin>'] },
      '<end>': { id: '<end>', ids: [1], tokens: ['<end>'] },
    },
  },
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: { '<begin>': 0, '<end>': 1, a: 2, b: 3 }, merges: [] },
});
const prompt = new ChatPrompt({
  tokenizer,
  tokenizerConfig: {},
  chatTemplate: '<begin>{{ messages[0].content }}',
});
const messages = [{ role: 'user', content: [{ type: 'text' as const, text: 'ab' }] }];

describe('the prompt of a chat', () => {
  it('has the special tokens of its template and no others', () => {
    expect([...prompt.encode({ messages, addGenerationPrompt: true })]).toEqual([0, 2, 3]);
  });

  it('has those of the tokenizer on top where they are wanted', () => {
    const ids = prompt.encode({ messages, addGenerationPrompt: true, addSpecialTokens: true });
    expect([...ids]).toEqual([0, 0, 2, 3, 1]);
  });
});
