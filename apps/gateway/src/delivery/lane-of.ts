import type { InferenceJob, Lane } from '@fovea/schemas/jobs';

/** The lane a job belongs to. */
export const laneOf = (job: InferenceJob): Lane => ({ checkpoint: job.checkpoint, kind: job.lane });
