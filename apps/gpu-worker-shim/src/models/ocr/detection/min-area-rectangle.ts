import type { RotatedBox } from '@fovea/image-preprocessing';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Finds the rectangle of least area around the points, in any position. Its `width` is the side nearer to the
 * horizontal, so `angle` lies in −π/4…π/4. One side of it always lies on an edge of the convex hull (Freeman and
 * Shapira 1975), so trying each edge is enough.
 */
export function minAreaRectangle(points: readonly Point[]): RotatedBox {
  const hull = convexHull(points);
  let best: RotatedBox | undefined;
  for (let at = 0; at < hull.length; at++) {
    const from = hull[at]!;
    const to = hull[(at + 1) % hull.length]!;
    const box = boundsAlong(hull, nearHorizontal(Math.atan2(to.y - from.y, to.x - from.x)));
    if (best === undefined || box.width * box.height < best.width * best.height) best = box;
  }
  if (best === undefined) throw new Error('A rectangle needs at least one point.');
  return best;
}

/** Turns by quarter turns into −π/4…π/4, which names the same rectangle with its sides swapped. */
function nearHorizontal(angle: number): number {
  const quarter = Math.PI / 2;
  return angle - quarter * Math.round(angle / quarter);
}

function boundsAlong(hull: readonly Point[], angle: number): RotatedBox {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  let left = Infinity;
  let right = -Infinity;
  let top = Infinity;
  let bottom = -Infinity;
  for (const { x, y } of hull) {
    const along = x * cos + y * sin;
    const across = y * cos - x * sin;
    left = Math.min(left, along);
    right = Math.max(right, along);
    top = Math.min(top, across);
    bottom = Math.max(bottom, across);
  }
  const along = (left + right) / 2;
  const across = (top + bottom) / 2;
  return {
    centerX: along * cos - across * sin,
    centerY: along * sin + across * cos,
    width: right - left,
    height: bottom - top,
    angle,
  };
}

/** Andrew's monotone chain. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  if (sorted.length < 3) return sorted;
  const lower = halfHull(sorted);
  const upper = halfHull(sorted.reverse());
  return [...lower.slice(0, -1), ...upper.slice(0, -1)];
}

function halfHull(sorted: readonly Point[]): Point[] {
  const chain: Point[] = [];
  for (const point of sorted) {
    while (chain.length >= 2 && !turnsLeft(chain[chain.length - 2]!, chain[chain.length - 1]!, point))
      chain.pop();
    chain.push(point);
  }
  return chain;
}

function turnsLeft(a: Point, b: Point, c: Point): boolean {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) > 0;
}
