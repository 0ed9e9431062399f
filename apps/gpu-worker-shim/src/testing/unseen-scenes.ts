import { SeededRandom } from '../engine/sampling/random.js';

export const kinds = ['circle', 'square', 'triangle', 'cross', 'star', 'ring'] as const;
export type Kind = (typeof kinds)[number];

/** What people would write into a picture for each name. The training pictures draw theirs from ranges instead. */
export const paints = {
  red: ['#ff0000', '#e01010', '#dd2222', '#c8102e', '#dc143c', '#b22222'],
  orange: ['#ffa500', '#ff8c00', '#f57c00', '#ff7f0e'],
  yellow: ['#ffff00', '#f0d010', '#ffd700', '#fdd835', '#ffeb3b'],
  green: ['#008000', '#10a020', '#22aa22', '#2e8b57', '#32cd32', '#0b6623'],
  blue: ['#0000ff', '#1040e0', '#2222dd', '#1e90ff', '#1f77b4', '#000080'],
  purple: ['#800080', '#8a2be2', '#6a0dad', '#663399', '#9c27b0'],
  black: ['#000000', '#0a0a0a', '#1a1a1a'],
  white: ['#ffffff', '#fafafa', '#f5f5f5'],
  gray: ['#808080', '#777777', '#9e9e9e', '#696969', '#b0b0b0'],
} as const;
export type Color = keyof typeof paints;
const colors = Object.keys(paints) as Color[];

export interface UnseenShape {
  readonly kind: Kind;
  readonly color: Color;
  /** Centre, as fractions of width and height. */
  readonly x: number;
  readonly y: number;
  /** Half size, as a fraction of the shorter side. */
  readonly half: number;
  /** Degrees clockwise. */
  readonly turn: number;
}

export interface UnseenScene {
  readonly width: number;
  readonly height: number;
  readonly background: Color;
  readonly shapes: readonly UnseenShape[];
}

/** Draws of a generator that is seeded. */
export class Draws {
  private readonly random: SeededRandom;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.random.next();
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random.next() * items.length)]!;
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }
}

const sides = [
  [1, 1],
  [4, 3],
  [3, 4],
  [3, 2],
  [2, 3],
] as const;
const turnable: readonly Kind[] = ['triangle', 'star', 'cross'];

function halfSize(draws: Draws, count: number): number {
  if (count > 1) return draws.between(0.095, 0.2);
  return draws.chance(0.5) ? draws.between(0.25, 0.4) : draws.between(0.095, 0.15);
}

/** No two touch, and words can tell where they are: a pair lies clearly along one axis, three have an order. */
function isTellable(shapes: readonly UnseenShape[], width: number, height: number): boolean {
  const short = Math.min(width, height);
  return shapes.every((one, at) =>
    shapes.slice(at + 1).every((other) => {
      const dx = Math.abs(one.x - other.x);
      const dy = Math.abs(one.y - other.y);
      const isApart = Math.hypot(dx * width, dy * height) > 1.5 * (one.half + other.half) * short;
      return isApart && (shapes.length === 2 ? Math.abs(dx - dy) > 0.12 : dx > 0.1);
    }),
  );
}

function drawShape(
  draws: Draws,
  count: number,
  background: Color,
  width: number,
  height: number,
): UnseenShape {
  const kind = draws.pick(kinds);
  const half = halfSize(draws, count);
  const marginX = (half * Math.min(width, height)) / width + 0.02;
  const marginY = (half * Math.min(width, height)) / height + 0.02;
  return {
    kind,
    color: draws.pick(colors.filter((color) => color !== background)),
    x: draws.between(marginX, 1 - marginX),
    y: draws.between(marginY, 1 - marginY),
    half,
    turn: turnable.includes(kind) && draws.chance(0.25) ? Math.round(draws.between(-20, 20)) : 0,
  };
}

/** A scene of that many shapes; the same draws give the same scene. */
export function unseenScene(draws: Draws, count: number): UnseenScene {
  const [across, down] = draws.pick(sides);
  const longest = Math.round(draws.between(90, 520));
  const unit = longest / Math.max(across, down);
  const width = Math.round(across * unit);
  const height = Math.round(down * unit);
  const background = draws.pick(colors);
  for (;;) {
    const shapes = Array.from({ length: count }, () => drawShape(draws, count, background, width, height));
    if (isTellable(shapes, width, height)) return { width, height, background, shapes };
  }
}
