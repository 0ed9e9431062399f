import type { RotatedBox } from '@fovea/image-preprocessing';
import { describe, expect, it } from '@jest/globals';
import { directBoxes, liesAcross, quarterTurns, turnedPage } from './page-direction.js';

const degrees = (angle: number): number => (angle * Math.PI) / 180;
const toDegrees = (angle: number): number => Math.round((angle * 180) / Math.PI);

function box(width: number, height: number, angle: number): RotatedBox {
  return { centerX: 0, centerY: 0, width, height, angle: degrees(angle) };
}

describe('directBoxes', () => {
  it('takes the direction that most of the text has, by length, and leaves the rest as it is', () => {
    const page = directBoxes([box(300, 20, 4), box(280, 20, 5), box(20, 100, 3), box(60, 20, 12)]);
    expect(toDegrees(page.pageAngle)).toBe(5);
    expect(page.boxes.map(({ angle }) => toDegrees(angle))).toEqual([4, 5, 93, 12]);
    expect(page.boxes[2]).toMatchObject({ width: 100, height: 20 });
    expect(page.boxes.map((one) => liesAcross(one, page.pageAngle))).toEqual([false, false, true, false]);
  });

  it('reads a page on its side downwards, single letters included', () => {
    const page = directBoxes([box(20, 300, 1), box(20, 200, -1), box(18, 22, 0)]);
    expect(toDegrees(page.pageAngle)).toBe(91);
    expect(page.boxes[2]).toMatchObject({ width: 22, height: 18 });
    expect(toDegrees(page.boxes[2]!.angle)).toBe(90);
    expect(quarterTurns(page.pageAngle)).toBe(1);
  });

  it('does not fall apart at 45°, where the sides of a box change their roles', () => {
    const page = directBoxes([box(300, 20, 44), box(20, 280, -43), box(260, 20, 45)]);
    expect(page.boxes.map(({ angle }) => toDegrees(angle))).toEqual([44, 47, 45]);
    expect(page.boxes.every(({ width }) => width > 200)).toBe(true);
  });

  it('calls a page level when nothing tells its direction', () => {
    expect(directBoxes([box(20, 22, 3)]).pageAngle).toBe(0);
    expect(directBoxes([])).toEqual({ boxes: [], pageAngle: 0 });
  });
});

describe('turnedPage', () => {
  it('turns page and boxes by half a turn', () => {
    const page = turnedPage(directBoxes([box(300, 20, 10)]));
    expect(toDegrees(page.pageAngle)).toBe(190);
    expect(toDegrees(page.boxes[0]!.angle)).toBe(190);
  });
});
