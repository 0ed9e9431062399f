import type { RotatedBox } from '@fovea/image-preprocessing';
import { describe, expect, it } from '@jest/globals';
import { toReadingOrder } from './reading-order.js';

interface NamedBox extends RotatedBox {
  readonly name: string;
}

/** A level box of height 20, given by its left end and its middle. */
function box(name: string, left: number, centerY: number, width: number, height = 20): NamedBox {
  return { name, centerX: left + width / 2, centerY, width, height, angle: 0 };
}

/** Turns the whole page around the origin. */
function turned(boxes: readonly NamedBox[], angle: number): NamedBox[] {
  return boxes.map((one) => ({
    ...one,
    centerX: one.centerX * Math.cos(angle) - one.centerY * Math.sin(angle),
    centerY: one.centerX * Math.sin(angle) + one.centerY * Math.cos(angle),
    angle: one.angle + angle,
  }));
}

function namesInOrder(boxes: readonly NamedBox[], pageAngle = 0): string[] {
  const names = new Map<RotatedBox, string>(boxes.map((one) => [one, one.name]));
  // Whatever order detection gives must not matter.
  const shuffled = [...boxes].sort((a, b) => a.name.localeCompare(b.name));
  return toReadingOrder(shuffled, pageAngle).map((row) => row.map((one) => names.get(one)).join(' '));
}

const bill = [
  box('z-title', 0, 20, 300, 34),
  box('y-tea', 0, 70, 120),
  box('a-3.20', 500, 73, 60),
  box('x-cake', 0, 110, 140),
  box('b-4.10', 500, 107, 60),
  box('w-total', 0, 160, 80),
  box('c-7.30', 500, 160, 60),
];
const billRows = ['z-title', 'y-tea a-3.20', 'x-cake b-4.10', 'w-total c-7.30'];

/** Two columns of lines of 300 px, 60 px apart, whose baselines differ. */
const column = (side: 'left' | 'right', top: number, lines: number): NamedBox[] =>
  Array.from({ length: lines }, (_, at) =>
    box(
      `${side}${at}`,
      side === 'left' ? 0 : 360,
      top + at * 30 + (side === 'left' ? 0 : 4),
      at === lines - 1 ? 120 : 300,
    ),
  );

describe('toReadingOrder', () => {
  it('keeps what stands side by side in one row, so that prices stay with their articles', () => {
    expect(namesInOrder(bill)).toEqual(billRows);
  });

  it.each([0.3, -0.5, Math.PI / 2, Math.PI, 4])('reads the same from a page turned by %d rad', (angle) => {
    expect(namesInOrder(turned(bill, angle), angle)).toEqual(billRows);
  });

  it('reads columns of running text one after the other', () => {
    const page = [...column('left', 100, 4), ...column('right', 100, 4)];
    expect(namesInOrder(page)).toEqual([
      'left0',
      'left1',
      'left2',
      'left3',
      'right0',
      'right1',
      'right2',
      'right3',
    ]);
  });

  it('parts columns at headlines and footers that cross them, also when detection split these', () => {
    const page = [
      box('head-a', 40, 50, 340, 40),
      box('line', 400, 52, 200, 40),
      ...column('left', 100, 4),
      ...column('right', 100, 4),
      box('foot', 0, 260, 640),
    ];
    const columns = ['left0', 'left1', 'left2', 'left3', 'right0', 'right1', 'right2', 'right3'];
    expect(namesInOrder(page)).toEqual(['head-a line', ...columns, 'foot']);
  });

  it('reads three columns from left to right', () => {
    const third = column('right', 100, 4).map((one, at) => ({
      ...one,
      name: `third${at}`,
      centerX: one.centerX + 360,
    }));
    const names = namesInOrder([...column('left', 100, 4), ...column('right', 100, 4), ...third]);
    expect(names.slice(0, 9).map((name) => name.slice(0, -1))).toEqual([
      ...Array.from({ length: 4 }, () => 'left'),
      ...Array.from({ length: 4 }, () => 'right'),
      'third',
    ]);
  });

  it('reads nothing from nothing', () => {
    expect(toReadingOrder([], 0)).toEqual([]);
  });
});
