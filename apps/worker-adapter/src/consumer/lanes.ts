import type { LaneKind } from '@fovea/schemas/jobs';
import type { Capabilities, Model } from '@fovea/schemas/model-package';

/** The lanes that a package's models have jobs in; no other is consumed. */
export function lanesOf(
  models: readonly Model[],
  { tokenizer }: Pick<Capabilities, 'tokenizer'>,
): LaneKind[] {
  const lanes: LaneKind[] = [];
  const generates = ({ chat, completion }: Model): boolean => chat || completion;
  if (models.some(generates)) lanes.push('text');
  const takesMedia = (model: Model): boolean =>
    model.transcription || (generates(model) && model.multimodalEnabled);
  if (models.some(takesMedia)) lanes.push('media');
  if (tokenizer || models.some(({ embedding, rerank }) => embedding || rerank)) lanes.push('embed');
  return lanes;
}
