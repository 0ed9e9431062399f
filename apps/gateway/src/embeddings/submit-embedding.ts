import { FoveaError } from '@fovea/errors';
import type { ModelListing } from '@fovea/model-registry';
import type { EmbedInputs, EmbedTask } from '@fovea/schemas/jobs';
import type { StreamEntry } from '@fovea/token-stream';
import { type ModelDirectory, requireOffer, requireWorker } from '../tasks/model-directory.js';
import type { Asker, SubmitJob } from '../tasks/submit-job.js';
import type { Accepted } from '../tasks/task-route.js';

export interface EmbeddingWork {
  /** The only model that offers embeddings, when it is left out. */
  readonly model: string | undefined;
  readonly inputsFor: (listing: ModelListing) => EmbedInputs;
  readonly dimensions: number | undefined;
}

export interface AcceptedEmbedding extends Accepted {
  readonly listing: ModelListing;
  readonly inputs: number;
  readonly entries: AsyncGenerator<StreamEntry>;
}

/** Puts inputs into the lane of a model that makes vectors. */
export class SubmitEmbedding {
  constructor(
    private readonly models: ModelDirectory,
    private readonly jobs: SubmitJob,
  ) {}

  async submit({ model, inputsFor, dimensions }: EmbeddingWork, asker: Asker): Promise<AcceptedEmbedding> {
    const listing = model === undefined ? await this.#onlyModel() : await this.models.find(model);
    requireOffer(listing, 'embedding');
    const inputs = inputsFor(listing);
    requireWorker(listing);
    const short = { kind: 'embed' as const, ...(dimensions === undefined ? {} : { dimensions }) };
    const entries = await this.jobs.submit(
      {
        listing,
        lane: 'embed',
        blobs: [],
        content: Buffer.from(JSON.stringify(inputs)),
        short,
        toTask: (blob): EmbedTask => ({ ...short, inputs: blob === undefined ? inputs : { blob } }),
      },
      asker,
    );
    return { listing, model: listing.model.name, images: 0, inputs: inputs.length, entries };
  }

  async #onlyModel(): Promise<ModelListing> {
    const offered = (await this.models.list()).filter(({ model }) => model.embedding);
    const [only, ...others] = offered;
    if (only !== undefined && others.length === 0) return only;
    const found = only === undefined ? 'No model offers' : `${offered.length} models offer`;
    throw new FoveaError('INVALID_REQUEST', {
      message: `model: ${found} embeddings; it may be left out where one does.`,
      param: 'model',
    });
  }
}
