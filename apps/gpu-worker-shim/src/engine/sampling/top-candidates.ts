/**
 * Selection without sorting: a vocabulary has 50,000 to 250,000 entries, and sorting it costs more than a small
 * model's whole step. Both functions partition like quickselect (linear time on average) and keep a strict order
 * (weight, then lower id), so equal input gives equal output on every machine.
 */

const isBetter = (weights: Float64Array, a: number, b: number): boolean =>
  weights[a]! > weights[b]! || (weights[a]! === weights[b]! && a < b);

function swap(ids: Int32Array, a: number, b: number): void {
  const kept = ids[a]!;
  ids[a] = ids[b]!;
  ids[b] = kept;
}

/** Index of the median of three ids, so that ordered input does not degrade to quadratic time. */
function pivotIndex(ids: Int32Array, weights: Float64Array, from: number, to: number): number {
  const middle = (from + to) >>> 1;
  const last = to - 1;
  const firstBeatsMiddle = isBetter(weights, ids[from]!, ids[middle]!);
  const middleBeatsLast = isBetter(weights, ids[middle]!, ids[last]!);
  if (firstBeatsMiddle === middleBeatsLast) return middle;
  const firstBeatsLast = isBetter(weights, ids[from]!, ids[last]!);
  return firstBeatsMiddle === firstBeatsLast ? last : from;
}

/** Puts a pivot where it belongs within [from, to), the better ids before it; returns its place. */
function partition(ids: Int32Array, weights: Float64Array, from: number, to: number): number {
  const last = to - 1;
  swap(ids, pivotIndex(ids, weights, from, to), last);
  const pivot = ids[last]!;
  let place = from;
  for (let at = from; at < last; at += 1) {
    if (isBetter(weights, ids[at]!, pivot)) swap(ids, at, place++);
  }
  swap(ids, place, last);
  return place;
}

/** Moves the `count` heaviest of the first `length` ids to the front, in no particular order. */
export function selectTopCount(ids: Int32Array, weights: Float64Array, length: number, count: number): void {
  let from = 0;
  let to = length;
  while (to - from > 1) {
    const place = partition(ids, weights, from, to);
    if (place === count || place + 1 === count) return;
    if (place > count) to = place;
    else from = place + 1;
  }
}

/**
 * Moves the smallest set of heaviest ids whose weights sum up to `mass` to the front; returns its size, at least 1.
 * All `length` ids are kept when rounding leaves their sum below `mass`.
 */
export function selectTopMass(ids: Int32Array, weights: Float64Array, length: number, mass: number): number {
  let from = 0;
  let to = length;
  let missing = mass;
  while (to > from) {
    const place = partition(ids, weights, from, to);
    let better = 0;
    for (let at = from; at < place; at += 1) better += weights[ids[at]!]!;
    const withPivot = better + weights[ids[place]!]!;
    if (better >= missing) {
      to = place;
    } else if (withPivot >= missing) {
      return place + 1;
    } else {
      missing -= withPivot;
      from = place + 1;
    }
  }
  return Math.max(1, from);
}
