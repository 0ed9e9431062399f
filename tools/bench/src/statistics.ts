const ascending = (left: number, right: number): number => left - right;

/** The middle value; the mean of the two middle ones of an even number. Throws when there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort(ascending);
  const middle = sorted.length >> 1;
  const high = sorted[middle];
  if (high === undefined) throw new RangeError('no values');
  const low = sorted[middle - 1];
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** The smallest value that is at least as large as the given share of all of them (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort(ascending);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('no values');
  return value;
}

/** Half the distance between the quartiles over the median: how far a typical round is off. 0 for a median of 0. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (percentile(values, 0.75) - percentile(values, 0.25)) / 2 / middle;
}
