import type { ChatGeneration, EngineImage, EngineMessage, EnginePart } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import {
  type BlobRef,
  type ChatContent,
  type ChatJob,
  type ChatMessage,
  type ContentPart,
  chatContentSchema,
  type Sampling,
} from '@fovea/schemas/jobs';

/** What the engine calls a model, and what its package bounds. */
export interface ServedModel {
  readonly engineModel: string;
  readonly maximumCompletionTokens: number | null;
}

/** What a request holds of its images while it sends them: chunks that are read, pieces that are encoded. */
const SENDING_BYTES = 2 * 1024 * 1024;

/** Most bytes of its blobs that a job holds in memory: long messages whole, images in passing. */
export function heldBytes(job: ChatJob): number {
  const { messages } = job.task;
  const whole = Array.isArray(messages) ? undefined : job.blobs[messages.blob];
  const images = job.blobs.filter((blob) => blob !== whole);
  const imageBytes = images.reduce((total, blob) => total + blob.byteSize, 0);
  return (whole?.byteSize ?? 0) + Math.min(SENDING_BYTES, imageBytes);
}

/**
 * Reads long messages from their blob and builds what the engine gets. Images are read when they are sent. The signal
 * aborts all these reads.
 *
 * A blob that is gone or does not hold what the envelope promises is our failure, not the client's: `INTERNAL`, from here
 * or from the image's chunks.
 */
export async function buildChatGeneration(
  job: ChatJob,
  model: ServedModel,
  blobs: BlobStore,
  signal: AbortSignal,
): Promise<ChatGeneration> {
  const source: BlobSource = { job, blobs, signal };
  const { toolChoice, parallelToolCalls, sampling } = job.task;
  const { messages, tools, responseFormat, extensions } = await readContent(source);
  return {
    requestId: job.id,
    model: model.engineModel,
    messages: messages.map((message) => toEngineMessage(message, source)),
    sampling: boundSampling(sampling, model.maximumCompletionTokens),
    ...(tools === undefined ? {} : { tools }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(parallelToolCalls === undefined ? {} : { parallelToolCalls }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
    ...(extensions === undefined ? {} : { extensions }),
    ...(job.traceparent === undefined ? {} : { traceparent: job.traceparent }),
  };
}

interface BlobSource {
  readonly job: ChatJob;
  readonly blobs: BlobStore;
  readonly signal: AbortSignal;
}

function refOf(job: ChatJob, index: number): BlobRef {
  const ref = job.blobs[index];
  if (ref === undefined) throw new FoveaError('INTERNAL', { detail: `the envelope has no blob ${index}` });
  return ref;
}

function unreadable(ref: BlobRef, cause: unknown): FoveaError {
  return new FoveaError('INTERNAL', { detail: `blob ${ref.name} cannot be read`, cause });
}

async function readBlob({ job, blobs, signal }: BlobSource, index: number): Promise<Buffer> {
  const ref = refOf(job, index);
  try {
    return await blobs.read(ref, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(ref, error);
  }
}

async function* blobChunks({ blobs, signal }: BlobSource, ref: BlobRef): AsyncGenerator<Uint8Array> {
  try {
    yield* await blobs.open(ref, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(ref, error);
  }
}

/** Long content is parsed on the event loop: the lock is renewed from a thread, other streams wait a little. */
async function readContent(source: BlobSource): Promise<ChatContent> {
  const { task } = source.job;
  const { messages } = task;
  if (Array.isArray(messages)) return { ...task, messages };
  const bytes = await readBlob(source, messages.blob);
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return chatContentSchema.parse(value);
  } catch (error) {
    throw new FoveaError('INTERNAL', { detail: 'the blob of messages does not hold messages', cause: error });
  }
}

function toEngineMessage(message: ChatMessage, source: BlobSource): EngineMessage {
  const { role, name, toolCalls, toolCallId } = message;
  const more = {
    ...(name === undefined ? {} : { name }),
    ...(toolCalls === undefined ? {} : { toolCalls }),
    ...(toolCallId === undefined ? {} : { toolCallId }),
  };
  const text = message.plain === true ? plainText(message.content) : undefined;
  if (text !== undefined) return { role, content: text, ...more };
  return { role, content: message.content.map((part) => toEnginePart(part, source)), ...more };
}

/** The text of a message that holds nothing else. */
function plainText(content: readonly ContentPart[]): string | undefined {
  let joined = '';
  for (const part of content) {
    if (part.type !== 'text') return undefined;
    joined += part.text;
  }
  return joined;
}

function toEnginePart(part: ContentPart, source: BlobSource): EnginePart {
  if (part.type === 'text') return part;
  const ref = refOf(source.job, part.blob);
  const { mediaType, byteSize } = ref;
  const image: EngineImage = { mediaType, byteSize, path: part.path, chunks: () => blobChunks(source, ref) };
  return { type: 'image', image };
}

/** A request for more than the model's maximum is lowered silently, as vLLM does for the room that is left. */
function boundSampling(sampling: Sampling, maximum: number | null): Sampling {
  if (maximum === null) return sampling;
  return { ...sampling, maxTokens: Math.min(sampling.maxTokens ?? maximum, maximum) };
}
