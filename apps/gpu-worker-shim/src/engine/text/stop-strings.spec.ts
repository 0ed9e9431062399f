import { describe, expect, it } from '@jest/globals';
import { SeededRandom } from '../sampling/random.js';
import { StopStrings } from './stop-strings.js';

interface Result {
  readonly pieces: string[];
  readonly stop: string | undefined;
}

function run(pieces: readonly string[], stops: string[], include = false): Result {
  const matcher = new StopStrings(stops, include);
  const given: string[] = [];
  for (const piece of pieces) {
    const { text, stop } = matcher.push(piece, true);
    given.push(text);
    if (stop !== undefined) return { pieces: given, stop };
  }
  return { pieces: [...given, matcher.flush()], stop: undefined };
}

describe('stop strings', () => {
  it('end the text before them, in one piece or in several', () => {
    expect(run(['one STOP two'], ['STOP'])).toEqual({ pieces: ['one '], stop: 'STOP' });
    expect(run(['one S', 'TO', 'P two'], ['STOP'])).toEqual({ pieces: ['one ', '', ''], stop: 'STOP' });
  });

  it('are given out as the end when they are included, without what follows', () => {
    expect(run(['one S', 'TOP two'], ['STOP'], true)).toEqual({ pieces: ['one ', 'STOP'], stop: 'STOP' });
  });

  it('hold back only what could begin one, and let it go as soon as it cannot', () => {
    expect(run(['a\n', '\n', 'b'], ['\n\nUser'])).toEqual({
      pieces: ['a', '', '\n\nb', ''],
      stop: undefined,
    });
  });

  it('are held back text that comes out when the answer ends otherwise', () => {
    expect(run(['one ST'], ['STOP'])).toEqual({ pieces: ['one ', 'ST'], stop: undefined });
  });

  it('match at the earliest place, the first in the list when two begin there', () => {
    expect(run(['xx b a'], ['a', 'b'])).toMatchObject({ stop: 'b' });
    expect(run(['xx abc'], ['ab', 'abc'])).toMatchObject({ stop: 'ab' });
  });

  it('are not looked for before the minimum, nor in the text from before it', () => {
    const matcher = new StopStrings(['STOP'], false);
    expect(matcher.push('STOP ST', false)).toEqual({ text: 'STOP ST' });
    expect(matcher.push('OP', true)).toEqual({ text: 'OP' });
  });

  it('never cut a surrogate pair', () => {
    const { pieces } = run(['a🚀', '🚁', 'b'], ['🚀🚂', '🚁x']);
    expect(pieces).toEqual(['a', '🚀', '🚁b', '']);
  });

  it('give what a search over the whole text would give, wherever the pieces are cut', () => {
    const random = new SeededRandom(11);
    const letters = (length: number) =>
      Array.from({ length }, () => 'ab\n'[Math.floor(random.next() * 3)]).join('');
    for (let round = 0; round < 500; round += 1) {
      const text = letters(24);
      const stops = [letters(3), letters(4)];
      const cuts: string[] = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + Math.floor(random.next() * 4);
        cuts.push(text.slice(at, at + length));
        at += length;
      }
      const places = stops.map((stop) => text.indexOf(stop)).filter((at) => at !== -1);
      // A piece-wise search sees an earlier-ending stop first; what is given out ends before one or the other.
      const { pieces, stop } = run(cuts, stops);
      const given = pieces.join('');
      expect(text.startsWith(given)).toBe(true);
      expect(stop === undefined).toBe(places.length === 0);
      if (stop === undefined) expect(given).toBe(text);
      else expect(text.slice(given.length).startsWith(stop)).toBe(true);
      for (const one of stops) expect(given).not.toContain(one);
    }
  });
});
