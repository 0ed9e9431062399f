/** A Prometheus histogram: counts per upper bound, a sum, a total. */
export class Histogram {
  readonly #counts: number[];
  #sum = 0;
  #total = 0;

  constructor(readonly bounds: readonly number[]) {
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#total += 1;
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at !== -1) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** The sample lines of the text format; buckets are cumulative. */
  lines(name: string, label: string): string[] {
    let below = 0;
    const buckets = this.bounds.map((bound, at) => {
      below += this.#counts[at] ?? 0;
      return `${name}_bucket{le="${bound.toFixed(Number.isInteger(bound) ? 1 : 3)}",${label}} ${below}`;
    });
    return [
      ...buckets,
      `${name}_bucket{le="+Inf",${label}} ${this.#total}`,
      `${name}_sum{${label}} ${this.#sum}`,
      `${name}_count{${label}} ${this.#total}`,
    ];
  }
}

/** vLLM's bounds for the time to the first token, in seconds. */
export const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
  2560,
];
/** Between two tokens, in seconds. */
export const tokenLatencyBounds = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
/** For whole requests and their phases, in seconds. */
export const requestBounds = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
];
/** For token counts. */
export const tokenBounds = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
];
/** For the number of choices. */
export const choiceBounds = [1, 2, 5, 10, 20];
