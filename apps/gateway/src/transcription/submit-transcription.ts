import type { ModelListing } from '@fovea/model-registry';
import type { BlobRef, TranscriptionTask } from '@fovea/schemas/jobs';
import type { StreamEntry } from '@fovea/token-stream';
import { type ModelDirectory, requireOffer, requireWorker } from '../tasks/model-directory.js';
import type { Asker, SubmitJob } from '../tasks/submit-job.js';
import type { Accepted } from '../tasks/task-route.js';

/** What is asked of a speech model. */
export interface TranscriptionQuestion extends Omit<TranscriptionTask, 'kind' | 'audio'> {
  readonly model: string;
  readonly audio: BlobRef;
}

export interface AcceptedTranscription extends Accepted {
  readonly listing: ModelListing;
  readonly entries: AsyncGenerator<StreamEntry>;
}

/** Puts a recording into the lane of a speech model. */
export class SubmitTranscription {
  constructor(
    private readonly models: ModelDirectory,
    private readonly jobs: SubmitJob,
  ) {}

  async submit(
    { model, audio, ...question }: TranscriptionQuestion,
    asker: Asker,
  ): Promise<AcceptedTranscription> {
    const listing = await this.models.find(model);
    requireOffer(listing, 'transcription');
    requireWorker(listing);
    const task: TranscriptionTask = { kind: 'transcription', audio: 0, ...question };
    const work = {
      listing,
      lane: 'media' as const,
      blobs: [audio],
      content: Buffer.alloc(0),
      short: task,
      toTask: () => task,
    };
    return { listing, model: listing.model.name, images: 0, entries: await this.jobs.submit(work, asker) };
  }
}
