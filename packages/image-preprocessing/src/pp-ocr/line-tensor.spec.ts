import { describe, expect, it } from '@jest/globals';
import { type RotatedBox, toPpOcrLineTensor } from './line-tensor.js';
import type { RgbImage } from './rgb-image.js';

/** Red grows to the right, green grows downwards, blue is constant: a pixel's colour tells where it lies. */
function gradient(width: number, height: number): RgbImage {
  const pixels = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    pixels[3 * at] = at % width;
    pixels[3 * at + 1] = Math.floor(at / width);
    pixels[3 * at + 2] = 255;
  }
  return { width, height, pixels };
}

const size = { height: 10, minWidth: 1, maxWidth: 100, stretch: 1 };
const box: RotatedBox = { centerX: 100, centerY: 50, width: 40, height: 10, angle: 0 };

/** The source position that the output pixel shows, read back from its colour. */
function sourceOf(image: RgbImage, from: RotatedBox, column: number, row: number, options = size) {
  const { values, width, height } = toPpOcrLineTensor(image, from, options);
  const plane = width * height;
  const at = row * width + column;
  const toByte = (value: number) => ((value + 1) * 255) / 2;
  expect(toByte(values[at]!)).toBeCloseTo(255, 2);
  return { x: toByte(values[2 * plane + at]!) + 0.5, y: toByte(values[plane + at]!) + 0.5, width };
}

describe('toPpOcrLineTensor', () => {
  const image = gradient(200, 100);

  it('copies a level box of the network’s height pixel by pixel', () => {
    expect(sourceOf(image, box, 0, 0)).toEqual({
      x: expect.closeTo(80.5, 2),
      y: expect.closeTo(45.5, 2),
      width: 40,
    });
    expect(sourceOf(image, box, 39, 9)).toMatchObject({
      x: expect.closeTo(119.5, 2),
      y: expect.closeTo(54.5, 2),
    });
  });

  it('reads along the angle of the box: downwards at a quarter turn, from right to left at a half', () => {
    const down = { ...box, angle: Math.PI / 2 };
    expect(sourceOf(image, down, 0, 0)).toMatchObject({
      x: expect.closeTo(104.5, 2),
      y: expect.closeTo(30.5, 2),
    });
    const back = { ...box, angle: Math.PI };
    expect(sourceOf(image, back, 0, 0)).toMatchObject({
      x: expect.closeTo(119.5, 2),
      y: expect.closeTo(54.5, 2),
    });
  });

  it('averages when it scales down and keeps the proportions', () => {
    const large = { ...box, width: 120, height: 40 };
    expect(sourceOf(image, large, 0, 0)).toEqual({
      x: expect.closeTo(42, 2),
      y: expect.closeTo(32, 2),
      width: 30,
    });
  });

  it('stretches, squeezes to the longest width, and pads short lines with mid-grey', () => {
    const wide = (options: Partial<typeof size>) => toPpOcrLineTensor(image, box, { ...size, ...options });
    expect(wide({ stretch: 1.5 }).width).toBe(60);
    expect(wide({ maxWidth: 8 }).width).toBe(8);
    const padded = wide({ minWidth: 64 });
    expect(padded.width).toBe(64);
    expect(padded.values[39]).toBeCloseTo(1, 5);
    expect(padded.values[40]).toBe(0);
  });

  it('repeats the edge where a box reaches out of the picture', () => {
    const outside = { ...box, centerX: 0, centerY: 0 };
    expect(sourceOf(image, outside, 0, 0)).toMatchObject({
      x: expect.closeTo(0.5, 2),
      y: expect.closeTo(0.5, 2),
    });
  });
});
