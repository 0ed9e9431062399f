import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlobStore } from '@fovea/blob-store';
import { createFileBlobStore } from '@fovea/blob-store/file';
import type { JobQueue } from '@fovea/job-queue';
import { createBullMqJobQueue } from '@fovea/job-queue/bullmq';
import type { ModelListing, ModelRegistry } from '@fovea/model-registry';
import { createRedisModelRegistry } from '@fovea/model-registry/redis';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { ChatMessage, EmbedTask, InferenceJob, LaneKind, RerankTask } from '@fovea/schemas/jobs';
import type { TokenStream } from '@fovea/token-stream';
import { createRedisTokenStream } from '@fovea/token-stream/redis';

/** A picture of one white pixel. */
const onePixelPng = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAASUVORK5CYII=',
  'base64',
);

const graceS = 10;
const interestMs = 60_000;

/** The other side of queue, log and blob store, as a gateway plays it. */
export class FakeGateway {
  readonly queue: JobQueue;
  readonly stream: TokenStream;
  readonly blobs: BlobStore;
  readonly #registry: ModelRegistry;
  readonly #checkpoint: string;

  constructor(redisUrl: string, blobFolder: string, checkpoint: string) {
    const redis = { url: redisUrl, clientName: 'fake-gateway' };
    this.queue = createBullMqJobQueue({ redis, role: 'producer' });
    this.stream = createRedisTokenStream({ redis, role: 'producer', logTtlS: 60 });
    this.blobs = createFileBlobStore({ root: blobFolder, lingerS: 0, maxReferenceAgeS: 600 });
    this.#registry = createRedisModelRegistry({ redis, role: 'producer', graceS, refreshMs: 1 });
    this.#checkpoint = checkpoint;
  }

  /** Enqueues a question; with a picture it goes into the media lane. The id is the request's. */
  async ask(text: string, options: { picture?: boolean; timeoutMs?: number } = {}): Promise<string> {
    const id = randomUUID();
    const lane: LaneKind = options.picture === true ? 'media' : 'text';
    const message: ChatMessage = { role: 'user', content: [{ type: 'text', text }] };
    const blobs: InferenceJob['blobs'] = [];
    if (options.picture === true) {
      const bytes = Readable.from([onePixelPng]);
      blobs.push(await this.blobs.put(bytes, { tenant: 'acme', owner: id, mediaType: 'image/png' }));
      message.content.push({ type: 'image', blob: 0, path: 'messages[0].content[1].image_url.url' });
    }
    const job: InferenceJob = {
      v: 1,
      id,
      tenant: 'acme',
      model: this.#checkpoint,
      checkpoint: this.#checkpoint,
      lane,
      deadlineAtMs: Date.now() + (options.timeoutMs ?? 60_000),
      task: { kind: 'chat', messages: [message], sampling: {} },
      blobs,
    };
    return this.#enqueue(job);
  }

  /** Enqueues texts for vectors, or documents for scores. */
  async embed(task: EmbedTask | RerankTask): Promise<string> {
    return this.#enqueue({
      v: 1,
      id: randomUUID(),
      tenant: 'acme',
      model: this.#checkpoint,
      checkpoint: this.#checkpoint,
      lane: 'embed',
      deadlineAtMs: Date.now() + 60_000,
      task,
      blobs: [],
    });
  }

  async #enqueue(job: InferenceJob): Promise<string> {
    await this.stream.renewInterest([job.id], interestMs);
    await this.queue.enqueue({ checkpoint: this.#checkpoint, kind: job.lane }, job);
    return job.id;
  }

  /** Every event of a request up to its terminal one. */
  async answer(requestId: string): Promise<GenerationEvent[]> {
    const events: GenerationEvent[] = [];
    for await (const entry of this.stream.follow(requestId)) events.push(...entry.events);
    return events;
  }

  /** The status under which the model is listed; undefined while it is not. */
  async modelStatus(): Promise<ModelListing['status'] | undefined> {
    return (await this.#registry.resolve(this.#checkpoint))?.status;
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.stream.close();
    await this.#registry.close();
  }
}

/** The text of all deltas. */
export const textOf = (events: readonly GenerationEvent[]): string =>
  events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
