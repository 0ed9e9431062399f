import type { Lease } from '@fovea/job-queue';
import type { AdapterTelemetry, Logger } from '@fovea/observability';
import type { Usage } from '@fovea/schemas/events';
import type { GenerationTiming } from '../generation-timing.js';
import type { Settled } from './settle.js';

export interface SettledFacts {
  readonly lease: Lease;
  readonly usage: Usage;
  readonly timing: GenerationTiming;
  readonly telemetry: Pick<AdapterTelemetry, 'generationFinished' | 'leaseLost'>;
  readonly logger: Logger;
}

/** Counts and logs what became of an attempt. */
export function reportSettled(settled: Settled, facts: SettledFacts): void {
  const { lease, usage, timing, telemetry, logger } = facts;
  const { job, attempt } = lease;
  const about = { requestId: job.id, model: job.model, lane: job.lane };
  switch (settled.kind) {
    case 'abandoned':
      telemetry.leaseLost(about);
      return;
    case 'handed-back':
      logger.warn({ ...about, attempt, err: settled.error }, 'job handed back');
      return;
    case 'already-ended':
      logger.info({ ...about, attempt }, 'job was already answered');
      return;
    case 'finished':
      if (settled.error !== undefined && settled.error.code !== 'CANCELLED') {
        logger.warn({ ...about, attempt, err: settled.error }, 'generation failed');
      }
      telemetry.generationFinished({
        ...about,
        outcome: settled.error?.code ?? 'ok',
        durationS: timing.durationS,
        ttftS: timing.ttftS,
        images: timing.ttftS === undefined ? 0 : imagesOf(lease),
        ...usage,
      });
  }
}

const imagesOf = ({ job }: Lease): number =>
  job.blobs.filter((blob) => blob.mediaType.startsWith('image/')).length;
