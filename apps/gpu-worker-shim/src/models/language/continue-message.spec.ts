import { describe, expect, it } from '@jest/globals';
import { type AddedToken, tokenizerFileSchema } from '../../engine/text/token-text.js';
import { ChatPrompt } from './chat-prompt.js';

const special: AddedToken[] = [{ id: 0, content: '<end>', special: true }];
const tokenizer = tokenizerFileSchema.parse({
  added_tokens: special,
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: { '<end>': 0 }, merges: [] },
});
const template =
  "{% for message in messages %}{{ message['role'] }}:{{ message['content'] | trim }}<end>{% endfor %}" +
  '{% if add_generation_prompt %}assistant:{% endif %}';
const prompt = new ChatPrompt({ tokenizer, tokenizerConfig: {}, chatTemplate: template });
const text = (role: string, words: string) => ({ role, content: [{ type: 'text' as const, text: words }] });

const render = (...words: string[]) =>
  prompt.render({
    messages: words.map((word, at) => text(at % 2 === 0 ? 'user' : 'assistant', word)),
    addGenerationPrompt: false,
    continueFinalMessage: true,
  });

describe('a final message that is continued', () => {
  it('stays open: the prompt ends with its text', () => {
    expect(render('hi', 'I am a')).toBe('user:hi<end>assistant:I am a');
    expect(render('same', 'same')).toBe('user:same<end>assistant:same');
  });

  it('keeps the blank at its end, which decides on the next token', () => {
    expect(render('hi', 'I am ')).toBe('user:hi<end>assistant:I am ');
  });

  it('has to end with text that the template shows', () => {
    const image = { role: 'assistant', content: [{ type: 'image' as const }] };
    const open = { addGenerationPrompt: false, continueFinalMessage: true };
    expect(() => prompt.render({ messages: [image], ...open })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', param: 'continue_final_message' }),
    );
    const blind = new ChatPrompt({ tokenizer, tokenizerConfig: {}, chatTemplate: 'always the same' });
    expect(() => blind.render({ messages: [text('user', 'hi')], ...open })).toThrow('does not show');
  });
});
