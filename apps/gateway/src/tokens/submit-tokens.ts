import { FoveaError } from '@fovea/errors';
import type { ModelListing } from '@fovea/model-registry';
import type { Task } from '@fovea/schemas/jobs';
import type { StreamEntry } from '@fovea/token-stream';
import { type ModelDirectory, requireWorker } from '../tasks/model-directory.js';
import type { Asker, SubmitJob } from '../tasks/submit-job.js';
import type { Accepted } from '../tasks/task-route.js';

export interface TokensWork {
  readonly model: string;
  readonly kind: Task['kind'];
  readonly content: Buffer;
  readonly mediaType?: string;
  readonly toTask: (blob: number | undefined) => Task;
}

export interface AcceptedTokens extends Accepted {
  readonly entries: AsyncGenerator<StreamEntry>;
}

/** Puts a question about a model's tokenizer into its lane of short work. */
export class SubmitTokens {
  constructor(
    private readonly models: ModelDirectory,
    private readonly jobs: SubmitJob,
  ) {}

  async submit(
    { model, kind, content, mediaType, toTask }: TokensWork,
    asker: Asker,
  ): Promise<AcceptedTokens> {
    const listing = await this.models.find(model);
    requireTokenizer(listing);
    requireWorker(listing);
    const named = mediaType === undefined ? {} : { mediaType };
    const work = { listing, lane: 'embed' as const, blobs: [], content, ...named, short: kind, toTask };
    return { entries: await this.jobs.submit(work, asker), model: listing.model.name, images: 0 };
  }
}

function requireTokenizer({ model, package: modelPackage }: ModelListing): void {
  if (modelPackage.capabilities.tokenizer) return;
  const message = `"${model.name}" does not show its tokenizer.`;
  throw new FoveaError('MISSING_CAPABILITY', { message, param: 'model' });
}
