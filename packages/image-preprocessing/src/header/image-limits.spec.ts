import { describe, expect, it } from '@jest/globals';
import { assertImageWithinLimits } from './image-limits.js';

const path = 'messages[0].content[1].image_url.url';

describe('assertImageWithinLimits', () => {
  it('accepts an image whose longer side is exactly the limit', () => {
    const header = { mediaType: 'image/png', width: 4000, height: 4000 } as const;
    expect(() => assertImageWithinLimits(header, { maxSidePx: 4000 }, path)).not.toThrow();
  });

  it.each([
    [4001, 1],
    [1, 4001],
  ])('refuses %d×%d and names field and limit', (width, height) => {
    const header = { mediaType: 'image/jpeg', width, height } as const;
    expect(() => assertImageWithinLimits(header, { maxSidePx: 4000 }, path)).toThrow(
      expect.objectContaining({
        code: 'IMAGE_TOO_LARGE',
        param: path,
        limit: { name: 'max_image_side_px', value: 4000, actual: 4001 },
      }),
    );
  });
});
