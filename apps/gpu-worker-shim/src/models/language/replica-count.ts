import { availableParallelism } from 'node:os';
import { readWeightBytes } from '../../memory/weights-fit.js';
import type { ModelRuntime } from '../model-family.js';

/** Weights that may be held more than once. So small a model is faster with one thread per graph than with several. */
const MAX_WEIGHT_BYTES = 64 * 2 ** 20;
/** Fewer rows in a step would cost more than another core gives. */
const LEAST_ROWS = 4;

/**
 * How many decoders of a model to run side by side, unless the operator says it: one per core when a copy of the graphs
 * costs little, else one, which shares each operator among threads instead.
 */
export async function countReplicas(
  graphs: readonly string[],
  {
    replicas,
    maxRunning,
    executionProviders,
  }: Pick<ModelRuntime, 'replicas' | 'maxRunning' | 'executionProviders'>,
  cores = availableParallelism(),
): Promise<number> {
  if (replicas !== 'auto') return Math.min(replicas, maxRunning);
  const most = Math.min(cores, Math.floor(maxRunning / LEAST_ROWS));
  // Other providers have one device, whose memory is dear.
  if (most < 2 || executionProviders.some((name) => name !== 'cpu')) return 1;
  const sizes = await Promise.all(graphs.map(readWeightBytes));
  return sizes.reduce((sum, { file, beside }) => sum + file + beside, 0) <= MAX_WEIGHT_BYTES ? most : 1;
}
