import type { LaneKind } from '@fovea/schemas/jobs';
import type { Model } from '@fovea/schemas/model-package';

/** The lanes that a package's models have jobs in; no other is consumed. */
export function lanesOf(models: readonly Model[]): LaneKind[] {
  const lanes: LaneKind[] = [];
  if (models.some(({ chat }) => chat)) lanes.push('text');
  if (models.some(({ chat, multimodalEnabled }) => chat && multimodalEnabled)) lanes.push('media');
  if (models.some(({ embedding, rerank }) => embedding || rerank)) lanes.push('embed');
  return lanes;
}
