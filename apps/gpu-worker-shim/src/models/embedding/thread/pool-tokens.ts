/** The first token's vector: what BERT trains to stand for the whole text. */
export function poolFirst(hidden: Float32Array, size: number): Float32Array<ArrayBuffer> {
  return hidden.slice(0, size);
}

/** The mean of the first `tokens` vectors; padding behind them counts for nothing. */
export function poolMean(hidden: Float32Array, tokens: number, size: number): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(size);
  for (let token = 0; token < tokens; token += 1) {
    for (let at = 0; at < size; at += 1) sums[at]! += hidden[token * size + at]!;
  }
  return Float32Array.from(sums, (sum) => sum / tokens);
}

/** Scales to length 1, in place. A vector of zeros stays. */
export function normalise(vector: Float32Array): void {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  if (length === 0) return;
  for (let at = 0; at < vector.length; at += 1) vector[at]! /= length;
}
