import type { RotatedBox } from '@fovea/image-preprocessing';

/** Columns count only if their lines are long against their height; cells of tables and price lists are not. */
const minProseAspect = 6;
const minProseRows = 3;
/** In prose most lines fill their column; in lists they end where they like. */
const minProseFill = 0.7;

/** A box as it stands on the page once the page is turned level. */
interface Placed {
  readonly box: RotatedBox;
  readonly left: number;
  readonly right: number;
  readonly centerY: number;
  readonly height: number;
}

/**
 * Brings boxes into reading order: rows from top to bottom, each row from left to right.
 *
 * Boxes side by side are one row, so that a price stays beside its article. Only where two columns of running text
 * stand side by side (several long lines each, most of them filling the column, a gutter between) is the left column
 * read before the right one; lines that cross the gutter, such as headlines, part the page above from below.
 *
 * @param pageAngle the reading direction of the page; see {@link RotatedBox.angle}
 */
export function toReadingOrder(boxes: readonly RotatedBox[], pageAngle: number): RotatedBox[][] {
  return orderBlock(boxes.map((box) => place(box, pageAngle))).map((row) => row.map(({ box }) => box));
}

function place(box: RotatedBox, pageAngle: number): Placed {
  const cos = Math.cos(pageAngle);
  const sin = Math.sin(pageAngle);
  const centerX = box.centerX * cos + box.centerY * sin;
  const centerY = box.centerY * cos - box.centerX * sin;
  const isAcross = Math.abs(Math.sin(box.angle - pageAngle)) > Math.SQRT1_2;
  const [width, height] = isAcross ? [box.height, box.width] : [box.width, box.height];
  return { box, left: centerX - width / 2, right: centerX + width / 2, centerY, height };
}

function orderBlock(items: readonly Placed[]): Placed[][] {
  const gutter = findGutter(items);
  if (gutter === undefined) return toRows(items);
  return zonesAt(gutter, items).flatMap(({ crossing, left, right }) => [
    ...toRows(crossing),
    ...(isProse(left) && isProse(right)
      ? [...orderBlock(left), ...orderBlock(right)]
      : toRows([...left, ...right])),
  ]);
}

interface Gutter {
  readonly start: number;
  readonly end: number;
}

/** Finds the gutter that the fewest boxes cross and that has running text on both sides of one zone at least. */
function findGutter(items: readonly Placed[]): Gutter | undefined {
  if (items.length < 2 * minProseRows) return undefined;
  const width = median(items.map(({ height }) => height));
  const candidates = items
    .map(({ right }) => ({ start: right, end: right + width }))
    .map((gutter) => ({ gutter, crossings: items.filter((item) => crosses(item, gutter)).length }))
    .filter(({ crossings }) => crossings <= items.length / 2)
    .sort((a, b) => a.crossings - b.crossings);
  return candidates.find(({ gutter }) => hasColumns(gutter, items))?.gutter;
}

function hasColumns(gutter: Gutter, items: readonly Placed[]): boolean {
  return zonesAt(gutter, items).some(({ left, right }) => isProse(left) && isProse(right));
}

function crosses(item: Placed, gutter: Gutter): boolean {
  return item.left < gutter.end && item.right > gutter.start;
}

interface Zone {
  readonly crossing: Placed[];
  readonly left: Placed[];
  readonly right: Placed[];
}

/** Cuts the page above each group of crossing rows: a zone is such a group and what follows it on both sides. */
function zonesAt(gutter: Gutter, items: readonly Placed[]): Zone[] {
  const zones: Zone[] = [];
  let zone: Zone | undefined;
  for (const row of toRows(items)) {
    const isCrossing = row.some((item) => crosses(item, gutter));
    if (zone === undefined || (isCrossing && zone.left.length + zone.right.length > 0)) {
      zone = { crossing: [], left: [], right: [] };
      zones.push(zone);
    }
    for (const item of row) {
      if (isCrossing) zone.crossing.push(item);
      else if (item.right <= gutter.start) zone.left.push(item);
      else zone.right.push(item);
    }
  }
  return zones;
}

function isProse(items: readonly Placed[]): boolean {
  const rows = toRows(items);
  if (rows.length < minProseRows) return false;
  const columnWidth =
    Math.max(...items.map(({ right }) => right)) - Math.min(...items.map(({ left }) => left));
  const lineWidth = median(rows.map((row) => row.at(-1)!.right - row[0]!.left));
  const lineHeight = median(items.map(({ height }) => height));
  return lineWidth >= minProseAspect * lineHeight && lineWidth >= minProseFill * columnWidth;
}

/** Boxes whose middles are less than half a height apart stand in one row. */
function toRows(items: readonly Placed[]): Placed[][] {
  const rows: Placed[][] = [];
  for (const item of [...items].sort((a, b) => a.centerY - b.centerY)) {
    const row = rows.at(-1);
    const isSameRow = row?.every(
      (other) => Math.abs(other.centerY - item.centerY) < Math.min(other.height, item.height) / 2,
    );
    if (row !== undefined && isSameRow) row.push(item);
    else rows.push([item]);
  }
  return rows.map((row) => row.sort((a, b) => a.left - b.left));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
