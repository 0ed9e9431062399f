import type { BlobStore } from '@fovea/blob-store';
import { type LaneControl, NICE_PRIORITY, NORMAL_PRIORITY } from '@fovea/job-queue';
import type { ModelListing } from '@fovea/model-registry';
import { condemned, type Quarantine } from '@fovea/quarantine';
import type { BlobRef, InferenceJob, LaneKind, Task } from '@fovea/schemas/jobs';
import { MAX_ENVELOPE_BYTES } from '@fovea/schemas/jobs';
import type { StreamEntry } from '@fovea/token-stream';
import type { Admission } from '../admission/admission.js';
import type { ExpectedAnswers } from '../admission/expected-answers.js';
import type { Delivery } from '../delivery/delivery.js';
import { laneOf } from '../delivery/lane-of.js';
import { orUnavailable } from '../http/or-unavailable.js';
import { fingerprintOf } from './fingerprint.js';
import { requireWorkerInTime } from './worker-wait.js';

/** The other half is room for everything in the envelope but content and references. */
const MAX_INLINE_BYTES = MAX_ENVELOPE_BYTES / 2;
const BLOB_REF_BYTES = 200;
/** A token of text is about four bytes, a picture of a megapixel about a thousand tokens. */
const BYTES_PER_TOKEN = 4;
const IMAGE_TOKENS = 1_024;

/** Who asks, and for how long. */
export interface Asker {
  readonly requestId: string;
  readonly tenant: string;
  /** `?nice=true`: queue behind the others. */
  readonly nice: boolean;
  /** Milliseconds since the epoch. */
  readonly deadlineAtMs: number;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
}

/** A task for a model, with its long part apart. */
export interface Work {
  readonly listing: ModelListing;
  readonly lane: LaneKind;
  /** The media of the task; a long content's blob is added behind them. */
  readonly blobs: readonly BlobRef[];
  /** All of the task that can be long. Stored as a blob when it does not fit into the envelope. */
  readonly content: Buffer;
  readonly mediaType?: string;
  /** All of the task that is short; part of the request's fingerprint. */
  readonly short: unknown;
  /** The task, with its content in it, or with the index of the blob that holds it. */
  toTask(contentBlob: number | undefined): Task;
  /** Lower bound of the prompt's tokens, where it is known. */
  readonly estimatedPromptTokens?: number | undefined;
}

/** Puts a judged request into its lane: admission, quarantine, envelope; or throws the catalogue error that says why not. */
export class SubmitJob {
  constructor(
    private readonly admission: Admission,
    private readonly delivery: Delivery,
    private readonly blobs: BlobStore,
    private readonly quarantine: Quarantine,
    private readonly answers: ExpectedAnswers,
    private readonly lanes: LaneControl,
  ) {}

  /** The entries of the answer, as they come. */
  async submit(work: Work, asker: Asker): Promise<AsyncGenerator<StreamEntry>> {
    const job = await this.#toJob(work, asker);
    const lane = laneOf(job);
    const [verdict] = await orUnavailable(
      Promise.all([
        this.admission.admitJob(lane),
        this.#refuseCondemned(job),
        requireWorkerInTime(work.listing, lane, this.lanes),
      ]),
    );
    if (!verdict.admitted) throw verdict.error;
    const priority = asker.nice ? NICE_PRIORITY : NORMAL_PRIORITY;
    return this.delivery.run(job, { priority, signal: asker.signal });
  }

  /** Clients re-send a 502 up to nine times; a request that ends engines must not reach them all. */
  async #refuseCondemned({ fingerprint }: InferenceJob): Promise<void> {
    if (fingerprint === undefined) return;
    if ((await this.quarantine.suspicionOf(fingerprint)) !== 'condemned') return;
    throw condemned('refused at the door');
  }

  async #toJob(work: Work, asker: Asker): Promise<InferenceJob> {
    const { listing, lane, content, estimatedPromptTokens } = work;
    const blobs = [...work.blobs];
    const head = {
      v: 1 as const,
      id: asker.requestId,
      tenant: asker.tenant,
      model: listing.model.name,
      checkpoint: listing.package.checkpoint,
      lane,
      deadlineAtMs: asker.deadlineAtMs,
      blobs,
      ...(estimatedPromptTokens === undefined ? {} : { estimatedPromptTokens }),
      ...(asker.traceparent === undefined ? {} : { traceparent: asker.traceparent }),
    };
    const fingerprint = fingerprintOf(head, content, work.short);
    const isShort = content.length + blobs.length * BLOB_REF_BYTES <= MAX_INLINE_BYTES;
    const expectedTokens = this.#expectedTokens(work);
    if (isShort) return { ...head, fingerprint, expectedTokens, task: work.toTask(undefined) };
    const ref = await this.#store(work, asker);
    return { ...head, fingerprint, expectedTokens, task: work.toTask(blobs.push(ref) - 1) };
  }

  #expectedTokens(work: Work): number {
    const { listing, content, blobs, estimatedPromptTokens } = work;
    const images = blobs.filter(({ mediaType }) => mediaType.startsWith('image/')).length;
    const prompt =
      estimatedPromptTokens ?? Math.ceil(content.length / BYTES_PER_TOKEN) + images * IMAGE_TOKENS;
    return prompt + this.answers.of(listing.model.name, work.toTask(undefined));
  }

  async #store({ content, mediaType = 'application/json' }: Work, asker: Asker): Promise<BlobRef> {
    const { tenant, requestId, signal } = asker;
    const once = (async function* () {
      yield content;
    })();
    return this.blobs.put(once, { tenant, owner: requestId, mediaType, signal });
  }
}
