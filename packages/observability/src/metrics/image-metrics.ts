import type { Registry } from 'prom-client';
import { counter, histogram } from './definition.js';

const NORMALISE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What a worker-adapter does to pictures and prompts before an engine gets them. */
export const imageMetrics = {
  imagesPrepared: counter(
    'fovea_images_prepared_total',
    ['outcome'],
    'Images on their way to an engine: `passed` as they came, `made` fit, or `reused` from an earlier time.',
  ),
  imageNormalisation: histogram(
    'fovea_image_normalisation_seconds',
    [],
    NORMALISE_BUCKETS,
    'Time to make one image fit, waiting for a worker included.',
  ),
  controlTokensBroken: counter(
    'fovea_control_tokens_broken_total',
    ['model'],
    'Vision control tokens that clients had typed as text.',
  ),
} as const;

export type ImageOutcome = 'passed' | 'made' | 'reused';

/** `seconds` counts for images that were made. */
export function createImageCounts(registry: Registry): (outcome: ImageOutcome, seconds: number) => void {
  const prepared = imageMetrics.imagesPrepared.register(registry);
  const normalisation = imageMetrics.imageNormalisation.register(registry);
  return (outcome, seconds) => {
    prepared.inc({ outcome });
    if (outcome === 'made') normalisation.observe(seconds);
  };
}
