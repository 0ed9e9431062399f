import type { RotatedBox } from '@fovea/image-preprocessing';

/** Below this aspect a box (a single letter or digit) does not tell along which side it is read. */
const minTellingAspect = 1.5;
/** Upright means: the page reads rightwards or downwards, until its letters tell otherwise. */
const firstUprightAngle = -Math.PI / 3;

/** Boxes whose angles are reading directions, and the direction that most of the page has. */
export interface DirectedPage {
  readonly boxes: readonly RotatedBox[];
  readonly pageAngle: number;
}

/**
 * Tells along which side each box is read: its long one, or for a box near a square the one that the page has. The page
 * has the direction that deviates least from all others, each weighted by the length of its line. Whether the page
 * stands on its head cannot be seen from boxes: the angles are right up to 180° for all of them together.
 */
export function directBoxes(boxes: readonly RotatedBox[]): DirectedPage {
  const telling = boxes.map(alongLongSide).filter((box) => box.width >= minTellingAspect * box.height);
  const pageAngle = upright(commonAngle(telling));
  return { boxes: boxes.map((box) => directed(box, pageAngle)), pageAngle };
}

/** The same page read from the other side. */
export function turnedPage({ boxes, pageAngle }: DirectedPage): DirectedPage {
  return { boxes: boxes.map(turnedBox), pageAngle: pageAngle + Math.PI };
}

function directed(box: RotatedBox, pageAngle: number): RotatedBox {
  const long = alongLongSide(box);
  if (long.width >= minTellingAspect * long.height) return { ...long, angle: nearest(long.angle, pageAngle) };
  const quarters = Math.round((pageAngle - box.angle) / (Math.PI / 2));
  const isSwapped = quarters % 2 !== 0;
  return {
    ...box,
    width: isSwapped ? box.height : box.width,
    height: isSwapped ? box.width : box.height,
    angle: box.angle + (quarters * Math.PI) / 2,
  };
}

function alongLongSide(box: RotatedBox): RotatedBox {
  if (box.width >= box.height) return box;
  return { ...box, width: box.height, height: box.width, angle: box.angle + Math.PI / 2 };
}

/** The angle of the box that deviates least from all others; directions 180° apart count as the same. */
function commonAngle(boxes: readonly RotatedBox[]): number {
  let best = { angle: 0, deviation: Infinity };
  for (const { angle } of boxes) {
    const deviation = boxes.reduce(
      (sum, other) => sum + other.width * Math.abs(Math.sin(other.angle - angle)),
      0,
    );
    if (deviation < best.deviation) best = { angle, deviation };
  }
  return best.angle;
}

function upright(angle: number): number {
  return angle - Math.PI * Math.floor((angle - firstUprightAngle) / Math.PI);
}

/** Adds half turns so that the angle comes next to the target. */
function nearest(angle: number, target: number): number {
  return angle + Math.PI * Math.round((target - angle) / Math.PI);
}

/** Does the box lie across the page, like a note on its margin? Then its direction is right up to 180° by itself. */
export function liesAcross(box: RotatedBox, pageAngle: number): boolean {
  return Math.abs(Math.cos(box.angle - pageAngle)) < Math.SQRT1_2;
}

/** The same line read from its other end. */
export function turnedBox(box: RotatedBox): RotatedBox {
  return { ...box, angle: box.angle + Math.PI };
}

/** How many quarter turns clockwise the page is away from level, to the nearest: −1, 0, 1 or 2. */
export function quarterTurns(pageAngle: number): number {
  return Math.round(pageAngle / (Math.PI / 2));
}
