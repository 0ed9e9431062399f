import { describe, expect, it } from '@jest/globals';
import { countPpOcrTokens, ppOcrDetectionSize, toPpOcrDetectionTensor } from './detection-tensor.js';

describe('ppOcrDetectionSize', () => {
  it('keeps the scale of pictures that are small enough and fills them up to cells of 32 px', () => {
    expect(ppOcrDetectionSize(900, 420)).toEqual({
      scale: 1,
      contentWidth: 900,
      contentHeight: 420,
      width: 928,
      height: 448,
    });
    expect(ppOcrDetectionSize(4000, 40)).toMatchObject({ scale: 1, width: 4000, height: 64 });
    expect(ppOcrDetectionSize(1, 1)).toMatchObject({ width: 32, height: 32 });
  });

  it('scales larger pictures down to 2.4 million pixels, whatever their shape', () => {
    expect(ppOcrDetectionSize(4000, 4000)).toMatchObject({ scale: 0.384, width: 1536, height: 1536 });
    for (let width = 1; width <= 4000; width += 37) {
      const size = ppOcrDetectionSize(width, 4001 - width);
      expect(size.width % 32).toBe(0);
      expect(size.height % 32).toBe(0);
      expect(size.contentWidth * size.contentHeight).toBeLessThanOrEqual(1536 ** 2 * 1.001);
    }
  });
});

describe('countPpOcrTokens', () => {
  it('counts one token per cell, the same for a picture on its side', () => {
    expect(countPpOcrTokens(1, 1)).toBe(1);
    expect(countPpOcrTokens(900, 420)).toBe(29 * 14);
    expect(countPpOcrTokens(420, 900)).toBe(29 * 14);
    expect(countPpOcrTokens(4000, 4000)).toBe(2304);
  });
});

describe('toPpOcrDetectionTensor', () => {
  it('normalises in the order blue, green, red and repeats the edge up to whole cells', async () => {
    const pixels = Uint8Array.from({ length: 40 * 20 * 3 }, (_, at) => [255, 0, 51][at % 3]!);
    const { values, width, height } = await toPpOcrDetectionTensor({ width: 40, height: 20, pixels });
    expect([width, height]).toEqual([64, 32]);
    const plane = 64 * 32;
    for (const at of [0, 39, 40, 63, plane - 1]) {
      expect(values[at]).toBeCloseTo((51 / 255 - 0.485) / 0.229, 5);
      expect(values[plane + at]).toBeCloseTo((0 - 0.456) / 0.224, 5);
      expect(values[2 * plane + at]).toBeCloseTo((1 - 0.406) / 0.225, 5);
    }
  });
});
