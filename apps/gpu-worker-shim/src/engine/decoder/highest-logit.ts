/** Index of the highest logit, the first of equal ones. Throws when none is finite. */
export function highestLogit(logits: Float32Array): number {
  let best = -1;
  let most = -Infinity;
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id]!;
    if (logit > most) {
      most = logit;
      best = id;
    }
  }
  if (best === -1) throw new Error('The model gave no finite logit.');
  return best;
}
