import type { ModelListing } from '@fovea/model-registry';
import type { BlobRef, CompletionContent, CompletionTask } from '@fovea/schemas/jobs';
import type { StreamEntry } from '@fovea/token-stream';
import { assertPromptCanFit, type PromptPiece, promptTokensAtLeast } from '../admission/prompt-tokens.js';
import { type ModelDirectory, requireOffer, requireWorker } from '../tasks/model-directory.js';
import type { Asker, SubmitJob } from '../tasks/submit-job.js';

/** A completion task with its media, and what is known of its length. */
export interface CompletionWork {
  readonly task: CompletionTask & CompletionContent;
  readonly blobs: readonly BlobRef[];
  /** Of each prompt. */
  readonly pieces: readonly (readonly PromptPiece[])[];
}

/** Puts raw prompts into the lane of a model that goes on from them. */
export class SubmitCompletion {
  constructor(
    private readonly models: ModelDirectory,
    private readonly jobs: SubmitJob,
  ) {}

  /** Throws `UNKNOWN_MODEL`, or `MISSING_CAPABILITY` when the model does not take raw prompts. */
  async find(name: string): Promise<ModelListing> {
    const listing = await this.models.find(name);
    const hint = listing.model.chat ? 'It answers conversations: ask /chat/completions.' : undefined;
    requireOffer(listing, 'completion', hint);
    return listing;
  }

  submit(
    listing: ModelListing,
    { task, blobs, pieces }: CompletionWork,
    asker: Asker,
  ): Promise<AsyncGenerator<StreamEntry>> {
    requireWorker(listing);
    const counts = pieces.map((prompt) => promptTokensAtLeast(prompt, listing.package));
    for (const count of counts) assertPromptCanFit(count, listing.package.maxModelLen);
    const isWhole = counts.every((count) => count.isWhole);
    const atLeast = counts.reduce((sum, count) => sum + count.atLeast, 0);
    const { prompts, responseFormat, extensions, ...short } = task;
    return this.jobs.submit(
      {
        listing,
        lane: blobs.length > 0 ? 'media' : 'text',
        blobs,
        content: Buffer.from(JSON.stringify({ prompts, responseFormat, extensions })),
        short,
        toTask: (blob): CompletionTask => (blob === undefined ? task : { ...short, prompts: { blob } }),
        estimatedPromptTokens: isWhole ? atLeast : undefined,
      },
      asker,
    );
  }
}
