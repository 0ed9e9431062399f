import type { RotatedBox } from '@fovea/image-preprocessing';
import { minAreaRectangle } from './min-area-rectangle.js';
import { findTextRegions, type ProbabilityMap } from './text-regions.js';

/** PP-OCR's settings for its detection network, DB ("Real-time Scene Text Detection with Differentiable Binarization"). */
const pixelThreshold = 0.3;
/** Of a region's own pixels. The mean over its rectangle, PP-OCR's faster measure, drops skewed lines: they fill less. */
const regionThreshold = 0.6;
const minSidePx = 3;
/**
 * The network marks a shrunken core of each line; boxes grow by `area × ratio / perimeter` on every side. PP-OCR takes
 * 1.5 for both. But recognition loses blanks and umlauts in boxes that tight: on printed lines (three fonts, 14 to
 * 44 px) about 8 % of the characters were wrong with 1.5 and 2 % with 2.2 across the line; where lines stand close
 * (1.12 times the type size) 12 % and 5 %. Along the line more would only take in the neighbour's first letter.
 */
const unclipRatioAlong = 1.5;
const unclipRatioAcross = 2.2;
/** The most boxes one picture can have; the largest regions stay. */
const maxBoxes = 1000;

/**
 * Turns the probability map into boxes around lines of text, in pixels of the picture.
 * Boxes may be skewed; their order means nothing yet.
 *
 * @param scale map pixels per picture pixel
 */
export function findTextBoxes(map: ProbabilityMap, scale: number): RotatedBox[] {
  const regions = findTextRegions(map, pixelThreshold)
    .filter(({ meanProbability }) => meanProbability >= regionThreshold)
    .sort((a, b) => b.pixelCount - a.pixelCount)
    .slice(0, maxBoxes);
  return regions
    .map(({ outline }) => minAreaRectangle(outline))
    .filter((core) => Math.min(core.width, core.height) >= minSidePx)
    .map((core) => scaled(unclipped(core), 1 / scale));
}

function unclipped(core: RotatedBox): RotatedBox {
  const growth = (core.width * core.height) / (core.width + core.height);
  const [growthX, growthY] =
    core.width >= core.height
      ? [growth * unclipRatioAlong, growth * unclipRatioAcross]
      : [growth * unclipRatioAcross, growth * unclipRatioAlong];
  return { ...core, width: core.width + growthX, height: core.height + growthY };
}

function scaled(box: RotatedBox, factor: number): RotatedBox {
  return {
    centerX: box.centerX * factor,
    centerY: box.centerY * factor,
    width: box.width * factor,
    height: box.height * factor,
    angle: box.angle,
  };
}
