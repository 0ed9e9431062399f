import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import { NICE_PRIORITY, NORMAL_PRIORITY } from '@fovea/job-queue';
import type { ModelListing, ModelRegistry } from '@fovea/model-registry';
import { condemned, type Quarantine } from '@fovea/quarantine';
import type { BlobRef, InferenceJob, LaneKind } from '@fovea/schemas/jobs';
import { MAX_ENVELOPE_BYTES } from '@fovea/schemas/jobs';
import type { StreamEntry } from '@fovea/token-stream';
import type { Admission } from '../admission/admission.js';
import { assertPromptCanFit, promptTokensAtLeast } from '../admission/prompt-tokens.js';
import type { Delivery } from '../delivery/delivery.js';
import { laneOf } from '../delivery/lane-of.js';
import type { FileShelf } from '../files/file-shelf.js';
import { namedFiles } from '../files/named-files.js';
import type { ReadBody } from '../ingest/body-reader.js';
import { fingerprintOf } from './request/fingerprint.js';
import {
  type ChatRequest,
  parseChatRequest,
  type TranslatedChat,
  toChatTask,
} from './request/to-chat-task.js';

/** The other half is room for everything in the envelope but content and references. */
const MAX_INLINE_BYTES = MAX_ENVELOPE_BYTES / 2;
const BLOB_REF_BYTES = 200;

/** What the door knows of a request when its body has been read. */
export interface ChatInput {
  readonly requestId: string;
  readonly tenant: string;
  readonly body: ReadBody;
  /** `?nice=true`: queue behind the others. */
  readonly nice: boolean;
  /** Milliseconds since the epoch. */
  readonly deadlineAtMs: number;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
}

/** A request that was accepted, and the entries of its answer as they come. */
export interface AcceptedChat {
  readonly request: ChatRequest;
  readonly listing: ModelListing;
  readonly lane: LaneKind;
  readonly images: number;
  readonly ignored: readonly string[];
  readonly entries: AsyncGenerator<StreamEntry>;
}

/** Accepts a chat request: model, capabilities, lane, queue; or throws the catalogue error that says why not. */
export class RunChat {
  constructor(
    private readonly registry: ModelRegistry,
    private readonly admission: Admission,
    private readonly delivery: Delivery,
    private readonly blobs: BlobStore,
    private readonly files: FileShelf,
    private readonly quarantine: Quarantine,
  ) {}

  async accept(input: ChatInput): Promise<AcceptedChat> {
    const request = parseChatRequest(input.body.value);
    const listing = await this.#model(request.wire.model);
    const chat = toChatTask(request, await this.#media(request, input), listing.package);
    this.#checkCapabilities(listing, chat);
    const lane: LaneKind = chat.blobs.length > 0 ? 'media' : 'text';
    const job = await this.#toJob(input, listing, lane, chat);
    const [verdict] = await Promise.all([this.admission.admitJob(laneOf(job)), this.#refuseCondemned(job)]);
    if (!verdict.admitted) throw verdict.error;
    const priority = input.nice ? NICE_PRIORITY : NORMAL_PRIORITY;
    const entries = this.delivery.run(job, { priority, signal: input.signal });
    const { ignored } = chat;
    return { request, listing, lane, images: chat.blobs.length, ignored, entries };
  }

  /** What was sent with the request, and what was sent before and is only named. */
  async #media(request: ChatRequest, { body, tenant, requestId }: ChatInput): Promise<ReadBody['media']> {
    const named = namedFiles(request.wire.messages);
    if (named.length === 0) return body.media;
    return new Map([...body.media, ...(await this.files.claim(named, { tenant, requestId }))]);
  }

  async #model(name: string): Promise<ModelListing> {
    const listing = await this.registry.resolve(name);
    if (listing === undefined) {
      throw new FoveaError('UNKNOWN_MODEL', {
        message: `No model is named "${name.slice(0, 100)}".`,
        param: 'model',
      });
    }
    return listing;
  }

  #checkCapabilities({ model, status, package: modelPackage }: ModelListing, chat: TranslatedChat): void {
    if (!model.chat) {
      const message = `"${model.name}" does not offer chat.`;
      throw new FoveaError('MISSING_CAPABILITY', { message, param: 'model' });
    }
    const image = firstImagePath(chat);
    if (image !== undefined && !model.multimodalEnabled) {
      const message = `"${model.name}" does not take images.`;
      throw new FoveaError('MISSING_CAPABILITY', { message, param: image });
    }
    if (status === 'unavailable' && modelPackage.waitForWorkerS === 0) {
      throw new FoveaError('MODEL_UNAVAILABLE', { param: 'model', retryAfterS: 5 });
    }
  }

  /** Clients re-send a 502 up to nine times; a request that ends engines must not reach them all. */
  async #refuseCondemned({ fingerprint }: InferenceJob): Promise<void> {
    if (fingerprint === undefined) return;
    if ((await this.quarantine.suspicionOf(fingerprint)) !== 'condemned') return;
    throw condemned('refused at the door');
  }

  async #toJob(
    input: ChatInput,
    { model, package: modelPackage }: ModelListing,
    lane: LaneKind,
    chat: TranslatedChat,
  ): Promise<InferenceJob> {
    const blobs = [...chat.blobs];
    const prompt = promptTokensAtLeast(chat.task.messages, blobs, modelPackage);
    assertPromptCanFit(prompt, modelPackage.maxModelLen);
    const job = {
      v: 1 as const,
      id: input.requestId,
      tenant: input.tenant,
      model: model.name,
      checkpoint: modelPackage.checkpoint,
      lane,
      deadlineAtMs: input.deadlineAtMs,
      blobs,
      ...(prompt.isWhole && { estimatedPromptTokens: prompt.atLeast }),
      ...(input.traceparent === undefined ? {} : { traceparent: input.traceparent }),
    };
    const { messages, tools, responseFormat, extensions, ...short } = chat.task;
    const content = Buffer.from(JSON.stringify({ messages, tools, responseFormat, extensions }));
    const fingerprint = fingerprintOf(job, content, short);
    if (content.length + blobs.length * BLOB_REF_BYTES <= MAX_INLINE_BYTES) {
      return { ...job, fingerprint, task: chat.task };
    }
    const ref = await this.#storeText(content, input);
    return { ...job, fingerprint, task: { ...short, messages: { blob: blobs.push(ref) - 1 } } };
  }

  async #storeText(text: Buffer, { tenant, requestId, signal }: ChatInput): Promise<BlobRef> {
    const once = (async function* () {
      yield text;
    })();
    return this.blobs.put(once, { tenant, owner: requestId, mediaType: 'application/json', signal });
  }
}

function firstImagePath({ task }: TranslatedChat): string | undefined {
  for (const { content } of task.messages) {
    for (const part of content) if (part.type === 'image') return part.path;
  }
  return undefined;
}
