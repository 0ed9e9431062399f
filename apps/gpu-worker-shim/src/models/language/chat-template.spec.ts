import { describe, expect, it } from '@jest/globals';
import { ChatTemplate, type TemplateMessage } from './chat-template.js';

const withParts =
  "{% for message in messages %}{{ message.role }}:{% for part in message['content'] %}" +
  "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %};{% endfor %}" +
  '{% if add_generation_prompt %}go{% endif %}';
const withString = '{{ bos_token }}{% for m in messages %}[{{ m.content }}]{% endfor %}';

const messages: TemplateMessage[] = [
  { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image' }, { type: 'text', text: 'b' }] },
];

describe('a chat template', () => {
  it('that loops over content gets the parts in place', () => {
    expect(new ChatTemplate(withParts, {}).render(messages, true)).toBe('user:a<image>b;go');
    expect(new ChatTemplate(withParts, {}).render(messages, false)).toBe('user:a<image>b;');
  });

  it('that takes a string gets images first and lines of text, as with vLLM', () => {
    expect(new ChatTemplate(withString, { bos_token: '<s>' }, '<image>').render(messages, true)).toBe(
      '<s>[<image>\na\nb]',
    );
  });

  it('that refuses the messages is the fault of the request, and its words stay in the log', () => {
    const strict = new ChatTemplate("{{ raise_exception('roles must alternate') }}", {});
    expect(() => strict.render(messages, true)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', param: 'messages', detail: 'roles must alternate' }),
    );
  });

  it('that cannot be parsed is refused when the model is loaded', () => {
    expect(() => new ChatTemplate('{% for %}', {})).toThrow();
  });
});
