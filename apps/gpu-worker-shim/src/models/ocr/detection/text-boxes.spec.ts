import { describe, expect, it } from '@jest/globals';
import { findTextBoxes } from './text-boxes.js';
import { findTextRegions, type ProbabilityMap } from './text-regions.js';

/** A map drawn with characters: `#` is surely text, `+` hardly, anything else is none. */
function mapOf(...rows: string[]): ProbabilityMap {
  const values = Float32Array.from(rows.join(''), (mark) => (mark === '#' ? 0.9 : mark === '+' ? 0.4 : 0));
  return { values, width: rows[0]!.length, height: rows.length };
}

describe('findTextRegions', () => {
  const counts = (...rows: string[]) =>
    findTextRegions(mapOf(...rows), 0.3)
      .map(({ pixelCount }) => pixelCount)
      .sort((a, b) => a - b);

  it('parts patches that do not touch and joins those that touch at a corner', () => {
    expect(counts('##..##', '##..##')).toEqual([4, 4]);
    expect(counts('##....', '..##..')).toEqual([4]);
    expect(counts('##....', '...##.')).toEqual([2, 2]);
    expect(counts('......')).toEqual([]);
  });

  it('joins arms that meet only further down, as in a U, a W and a spiral', () => {
    expect(counts('#...#', '#...#', '#####')).toEqual([9]);
    expect(counts('#.#.#', '#.#.#', '.#.#.')).toEqual([8]);
    expect(counts('#####', '....#', '###.#', '#...#', '#####')).toEqual([17]);
  });

  it('gives the mean probability of the patch itself', () => {
    const [region] = findTextRegions(mapOf('#+', '#+'), 0.3);
    expect(region!.meanProbability).toBeCloseTo(0.65, 5);
  });
});

describe('findTextBoxes', () => {
  const bar = (mark: string) =>
    mapOf(...Array.from({ length: 12 }, (_, y) => (y >= 4 && y < 8 ? mark : '.').repeat(20)));

  it('grows a region on all sides and scales it to the picture', () => {
    const [box, ...others] = findTextBoxes(bar('#'), 0.5);
    expect(others).toEqual([]);
    // 20×4 around (10, 6): area / half perimeter = 80 / 24, times 1.5 along and 2.2 across.
    expect(box!.centerX).toBeCloseTo(20, 5);
    expect(box!.centerY).toBeCloseTo(12, 5);
    expect(box!.width).toBeCloseTo(2 * (20 + (80 / 24) * 1.5), 5);
    expect(box!.height).toBeCloseTo(2 * (4 + (80 / 24) * 2.2), 5);
  });

  it('drops what is unsure and what is too thin to be text', () => {
    expect(findTextBoxes(bar('+'), 1)).toEqual([]);
    expect(findTextBoxes(mapOf('.'.repeat(20), '#'.repeat(20), '#'.repeat(20), '.'.repeat(20)), 1)).toEqual(
      [],
    );
  });

  it('keeps at most a thousand boxes, the largest', () => {
    const tile = ['####.', '####.', '####.', '####.', '.....'];
    const map = mapOf(...Array.from({ length: 200 }, (_, y) => tile[y % 5]!.repeat(40)));
    expect(findTextBoxes(map, 1)).toHaveLength(1000);
  });
});
