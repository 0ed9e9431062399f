import type { Point } from './min-area-rectangle.js';

/** A connected patch of text pixels, as the corners that can lie on its convex hull. */
export interface TextRegion {
  readonly outline: readonly Point[];
  readonly pixelCount: number;
  readonly meanProbability: number;
}

/** The probability of "text" per pixel, as the detection network gives it. */
export interface ProbabilityMap {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Finds the patches of pixels above the threshold that touch each other (also at corners).
 * Rows are scanned as runs and joined with the runs of the row above (union-find), so the work is one pass over the
 * map and no recursion, whatever the picture shows.
 */
export function findTextRegions(map: ProbabilityMap, threshold: number): TextRegion[] {
  const runs = findRuns(map, threshold);
  const parents = runs.map((_, at) => at);
  joinTouchingRuns(runs, parents);
  const regions = new Map<number, { outline: Point[]; pixelCount: number; sum: number }>();
  runs.forEach((run, at) => {
    const root = rootOf(parents, at);
    const region = regions.get(root) ?? { outline: [], pixelCount: 0, sum: 0 };
    regions.set(root, region);
    region.pixelCount += run.end - run.start;
    region.sum += run.sum;
    for (const x of [run.start, run.end]) {
      region.outline.push({ x, y: run.row }, { x, y: run.row + 1 });
    }
  });
  return [...regions.values()].map(({ outline, pixelCount, sum }) => ({
    outline,
    pixelCount,
    meanProbability: sum / pixelCount,
  }));
}

/** Pixels `start` to `end` (exclusive) of one row. */
interface Run {
  readonly row: number;
  readonly start: number;
  readonly end: number;
  /** Of the probabilities. */
  readonly sum: number;
}

function findRuns({ values, width, height }: ProbabilityMap, threshold: number): Run[] {
  const runs: Run[] = [];
  for (let row = 0; row < height; row++) {
    const offset = row * width;
    for (let x = 0; x < width; x++) {
      const start = x;
      let sum = 0;
      while (x < width && values[offset + x]! > threshold) sum += values[offset + x++]!;
      if (x > start) runs.push({ row, start, end: x, sum });
    }
  }
  return runs;
}

function joinTouchingRuns(runs: readonly Run[], parents: number[]): void {
  let above = 0;
  runs.forEach((run, at) => {
    while (above < at && isPassed(runs[above]!, run)) above++;
    for (let other = above; other < at; other++) {
      const candidate = runs[other]!;
      if (candidate.row >= run.row || candidate.start > run.end) break;
      parents[rootOf(parents, at)] = rootOf(parents, other);
    }
  });
}

/** True when a run of an earlier row can touch neither this run nor any later one. */
function isPassed(earlier: Run, run: Run): boolean {
  return earlier.row < run.row - 1 || (earlier.row === run.row - 1 && earlier.end < run.start);
}

function rootOf(parents: number[], at: number): number {
  let root = at;
  while (parents[root]! !== root) {
    parents[root] = parents[parents[root]!]!;
    root = parents[root]!;
  }
  return root;
}
