import { describe, expect, it } from '@jest/globals';
import { SpecialText } from './special-text.js';

const special = new SpecialText([
  { id: 1, content: '<image>' },
  { id: 2, content: '<end>' },
  { id: 3, content: '<end_of_turn>' },
]);

const asText = (text: string) => [{ text }];

describe('special tokens in a prompt', () => {
  it('are cut out where the template wrote them, the longer one when two begin alike', () => {
    expect(special.split('Hi<image> there<end_of_turn>\n')).toEqual([
      { text: 'Hi' },
      { special: 1 },
      { text: ' there' },
      { special: 3 },
      { text: '\n' },
    ]);
  });

  it.each(['<image>', 'a <image> b <end>', '<end_of_turn>', '<<image>>', '<image', 'image>', '<', '>'])(
    'are only text in what a user types: %s',
    (typed) => {
      expect(special.split(special.guard(typed))).toEqual(asText(typed));
    },
  );

  it.each([
    ['<ima', 'ge>'],
    ['<', 'image>'],
    ['see <image', '> here'],
    ['<end_of_', 'turn>'],
  ])('do not arise from two parts: %s + %s', (left, right) => {
    const rendered = `${special.guard(left)}${special.guard(right)}`;
    expect(special.split(rendered)).toEqual(asText(left + right));
  });

  it("do not arise from a part and the template's own text", () => {
    expect(special.split(`<${special.guard('image>')}`)).toEqual(asText('<image>'));
    expect(special.split(`${special.guard('<image')}>`)).toEqual(asText('<image>'));
  });

  it('leave ordinary text untouched, so that templates can trim and compare it', () => {
    expect(special.guard('  what is 1 < 2 > 0? ')).toBe('  what is 1 < 2 > 0? ');
  });

  it('do not arise from the stand-ins of another process', () => {
    const other = new SpecialText([{ id: 1, content: '<image>' }]);
    const foreign = other.guard('<image>');
    expect(special.split(special.guard(foreign))).toEqual(asText(foreign));
  });

  it('take the blanks beside them that their flags say', () => {
    const stripping = new SpecialText([{ id: 9, content: '<mask>', lstrip: true, rstrip: false }]);
    expect(stripping.split('a  <mask> b')).toEqual([{ text: 'a' }, { special: 9 }, { text: ' b' }]);
    const both = new SpecialText([{ id: 9, content: '<mask>', lstrip: true, rstrip: true }]);
    expect(both.split(' <mask> \n<mask> b ')).toEqual([{ special: 9 }, { special: 9 }, { text: 'b ' }]);
  });

  it('do not make a long run of blanks dear', () => {
    const stripping = new SpecialText([{ id: 9, content: '<mask>', lstrip: true, rstrip: true }]);
    const blanks = ' '.repeat(1_000_000);
    const before = process.cpuUsage();
    expect(stripping.split(`a${blanks}b`)).toEqual([{ text: `a${blanks}b` }]);
    expect(stripping.split(`a${blanks}<mask>${blanks}`)).toEqual([{ text: 'a' }, { special: 9 }]);
    // Some milliseconds; by trying every blank as the first one it would be minutes.
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });

  it('may be none at all', () => {
    const none = new SpecialText([]);
    expect(none.split(none.guard('a <image>'))).toEqual(asText('a <image>'));
  });
});
