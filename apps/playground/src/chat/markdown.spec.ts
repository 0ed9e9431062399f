import { describe, expect, it } from '@jest/globals';
import { type Block, parseMarkdown } from './markdown.js';

const plain = (text: string) => ({ style: 'plain' as const, text });
const paragraph = (text: string): Block => ({ kind: 'paragraph', spans: [plain(text)] });

describe('the Markdown of answers', () => {
  it('knows paragraphs, headings, lists, quotes and code', () => {
    const text =
      '## Title\nOne\nline\n\n- a\n- b\n  more\n\n3. c\n4) d\n> said\n```js\nlet x = "**";\n\n```\nend';
    expect(parseMarkdown(text)).toEqual([
      { kind: 'heading', level: 2, spans: [plain('Title')] },
      paragraph('One\nline'),
      { kind: 'list', ordered: false, start: 1, items: [[plain('a')], [plain('b\nmore')]] },
      { kind: 'list', ordered: true, start: 3, items: [[plain('c')], [plain('d')]] },
      { kind: 'quote', spans: [plain('said')] },
      { kind: 'code', text: 'let x = "**";\n' },
      paragraph('end'),
    ]);
  });

  it('knows bold, italic and code within a line', () => {
    expect(parseMarkdown('a **b c** *d* `**e**` f')).toEqual([
      {
        kind: 'paragraph',
        spans: [
          plain('a '),
          { style: 'bold', text: 'b c' },
          plain(' '),
          { style: 'italic', text: 'd' },
          plain(' '),
          { style: 'code', text: '**e**' },
          plain(' f'),
        ],
      },
    ]);
  });

  it.each(['2 * 3 * 4', '**', '** a **', 'a*b*c', '`', '<b>&amp;</b>', '#hash', '-5', '[a](javascript:1)'])(
    'leaves %j as it is',
    (text) => expect(parseMarkdown(text)).toEqual([paragraph(text)]),
  );

  it('drops the blank that many models begin with', () => {
    expect(parseMarkdown(' The answer')).toEqual([paragraph('The answer')]);
  });

  it('takes a fence that is still open for code', () => {
    expect(parseMarkdown('```py\nx = 1')).toEqual([{ kind: 'code', text: 'x = 1' }]);
  });

  it('loses no word wherever the answer is broken off', () => {
    const text = '# a\n- **b** c\n```\nd\n```\n> e `f`';
    for (let end = 0; end <= text.length; end += 1) {
      const shown = JSON.stringify(parseMarkdown(text.slice(0, end)));
      for (const word of text.slice(0, end).match(/[a-f]/g) ?? []) expect(shown).toContain(word);
    }
  });

  it('is read in linear time', () => {
    const began = process.cpuUsage();
    parseMarkdown(`${'*a '.repeat(20_000)}\n${'**b '.repeat(20_000)}\n${'`c '.repeat(20_000)}`);
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(5);
  });
});
