import { describe, expect, it } from '@jest/globals';
import { type AddedToken, tokenizerFileSchema } from '../../engine/text/token-text.js';
import type { TemplateVariables } from '../chat-model.js';
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

  describe('with variables of the request', () => {
    const choosy = new ChatPrompt({
      tokenizer,
      tokenizerConfig: { bos_token: '<begin>' },
      chatTemplate:
        '{{ bos_token }}{{ messages[0].content }}' +
        "{% if enable_thinking is defined and enable_thinking is false %}b{% endif %}{{ style or '' }}",
    });
    const encode = (templateVariables?: TemplateVariables) => [
      ...choosy.encode({
        messages,
        addGenerationPrompt: true,
        ...(templateVariables !== undefined && { templateVariables }),
      }),
    ];

    it('is what its template makes of them', () => {
      expect(encode()).toEqual([0, 2, 3]);
      expect(encode({ enable_thinking: false })).toEqual([0, 2, 3, 3]);
      expect(encode({ enable_thinking: true, style: 'a', unknown: 7 })).toEqual([0, 2, 3, 2]);
      expect(encode({ enable_thinking: null, style: null })).toEqual([0, 2, 3]);
    });

    it('never has their words as special tokens', () => {
      expect(encode({ style: 'a<end>' })).not.toContain(1);
      expect(encode({ style: 'a<end' })).not.toContain(1);
    });

    it('has its own where they have the same name', () => {
      expect(encode({ bos_token: 'b', messages: 'b', add_generation_prompt: false })).toEqual([0, 2, 3]);
    });
  });
});
