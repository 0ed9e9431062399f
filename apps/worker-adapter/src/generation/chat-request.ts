import type { ChatGeneration, EngineImage, EngineMessage, EnginePart } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import {
  type BlobRef,
  type ChatMessage,
  type ContentPart,
  chatMessageSchema,
  type InferenceJob,
  type Sampling,
} from '@fovea/schemas/jobs';
import { z } from 'zod';

/** What the engine calls a model, and what its package bounds. */
export interface ServedModel {
  readonly engineModel: string;
  readonly maximumCompletionTokens: number | null;
}

const messagesSchema = z.array(chatMessageSchema).min(1);

/** Bytes that `buildChatGeneration` will hold in memory: every blob of the job, once. */
export const blobBytes = (job: InferenceJob): number =>
  job.blobs.reduce((total, blob) => total + blob.byteSize, 0);

/**
 * Reads the job's blobs and builds what the engine gets. The signal aborts the reads.
 *
 * A blob that is gone or does not hold what the envelope promises is our failure, not the client's: `INTERNAL`.
 */
export async function buildChatGeneration(
  job: InferenceJob,
  model: ServedModel,
  blobs: BlobStore,
  signal: AbortSignal,
): Promise<ChatGeneration> {
  const read = createBlobReader(job, blobs, signal);
  const { messages, sampling, extensions } = job.task;
  const parsed = Array.isArray(messages) ? messages : parseMessages((await read(messages.blob)).bytes);
  return {
    requestId: job.id,
    model: model.engineModel,
    messages: await Promise.all(parsed.map((message) => toEngineMessage(message, read))),
    sampling: boundSampling(sampling, model.maximumCompletionTokens),
    ...(extensions === undefined ? {} : { extensions }),
  };
}

interface LoadedBlob {
  readonly ref: BlobRef;
  readonly bytes: Buffer;
}

type ReadBlob = (index: number) => Promise<LoadedBlob>;

/** Each blob is read once, however many parts of the conversation show it. */
function createBlobReader(job: InferenceJob, blobs: BlobStore, signal: AbortSignal): ReadBlob {
  const loaded = new Map<number, Promise<LoadedBlob>>();
  const load = async (index: number): Promise<LoadedBlob> => {
    const ref = job.blobs[index];
    if (ref === undefined) {
      throw new FoveaError('INTERNAL', { detail: `the envelope has no blob ${index}` });
    }
    try {
      return { ref, bytes: await blobs.read(ref, signal) };
    } catch (error) {
      signal.throwIfAborted();
      throw new FoveaError('INTERNAL', { detail: `blob ${ref.name} cannot be read`, cause: error });
    }
  };
  return (index) => {
    const known = loaded.get(index);
    if (known !== undefined) return known;
    const started = load(index);
    loaded.set(index, started);
    return started;
  };
}

/** Long request text. Parsed on the event loop: the lock is renewed from a thread, other streams wait a little. */
function parseMessages(bytes: Buffer): ChatMessage[] {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return messagesSchema.parse(value);
  } catch (error) {
    throw new FoveaError('INTERNAL', { detail: 'the blob of messages does not hold messages', cause: error });
  }
}

async function toEngineMessage(message: ChatMessage, read: ReadBlob): Promise<EngineMessage> {
  const name = message.name === undefined ? {} : { name: message.name };
  const text = message.plain === true ? plainText(message.content) : undefined;
  if (text !== undefined) return { role: message.role, content: text, ...name };
  const content = await Promise.all(message.content.map((part) => toEnginePart(part, read)));
  return { role: message.role, content, ...name };
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

async function toEnginePart(part: ContentPart, read: ReadBlob): Promise<EnginePart> {
  if (part.type === 'text') return part;
  const { ref, bytes } = await read(part.blob);
  const image: EngineImage = { mediaType: ref.mediaType, bytes, path: part.path };
  return { type: 'image', image };
}

/** A request for more than the model's maximum is lowered silently, as vLLM does for the room that is left. */
function boundSampling(sampling: Sampling, maximum: number | null): Sampling {
  if (maximum === null) return sampling;
  return { ...sampling, maxTokens: Math.min(sampling.maxTokens ?? maximum, maximum) };
}
