import { describe, expect, it } from '@jest/globals';
import { minAreaRectangle, type Point } from './min-area-rectangle.js';

/** Points inside and on the border of a rectangle of 40×10 around (50, 30). */
function rectanglePoints(angle: number): Point[] {
  const points: Point[] = [];
  for (const along of [-20, -7, 0, 13, 20]) {
    for (const across of [-5, 1, 5]) {
      points.push({
        x: 50 + along * Math.cos(angle) - across * Math.sin(angle),
        y: 30 + along * Math.sin(angle) + across * Math.cos(angle),
      });
    }
  }
  return points;
}

describe('minAreaRectangle', () => {
  it.each([0, 0.2, -0.4, 0.75])('finds a rectangle skewed by %d rad', (angle) => {
    const box = minAreaRectangle(rectanglePoints(angle));
    expect(box.centerX).toBeCloseTo(50, 6);
    expect(box.centerY).toBeCloseTo(30, 6);
    expect(box.width).toBeCloseTo(40, 6);
    expect(box.height).toBeCloseTo(10, 6);
    expect(box.angle).toBeCloseTo(angle, 6);
  });

  it('calls the side nearer to the horizontal the width', () => {
    const box = minAreaRectangle(rectanglePoints(Math.PI / 2 + 0.1));
    expect(box.width).toBeCloseTo(10, 6);
    expect(box.height).toBeCloseTo(40, 6);
    expect(box.angle).toBeCloseTo(0.1, 6);
  });

  it('takes a single point and a line', () => {
    expect(minAreaRectangle([{ x: 3, y: 4 }])).toMatchObject({ centerX: 3, centerY: 4, width: 0, height: 0 });
    const line = [0, 1, 2, 3].map((x) => ({ x, y: 5 }));
    expect(minAreaRectangle(line)).toMatchObject({ centerX: 1.5, centerY: 5, width: 3, height: 0 });
  });
});
