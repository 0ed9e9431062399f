import type { Cut } from './embedding-protocol.js';

/** The first or the last ids, as many as are allowed. */
export function cutIds(ids: readonly number[], { maxTokens, side }: Cut): readonly number[] {
  if (ids.length <= maxTokens) return ids;
  return side === 'left' ? ids.slice(ids.length - maxTokens) : ids.slice(0, maxTokens);
}
