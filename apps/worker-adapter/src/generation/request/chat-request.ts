import { createHash } from 'node:crypto';
import type { ChatGeneration, EngineMessage, EnginePart } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import {
  type BlobRef,
  type ChatContent,
  type ChatJob,
  type ChatMessage,
  type ContentPart,
  chatContentSchema,
  type InferenceJob,
  type Sampling,
  type Task,
} from '@fovea/schemas/jobs';
import type { ImageFamily } from '@fovea/schemas/model-package';
import { type ImageHandover, toEngineImage, unreadable } from '../../images/engine-image.js';
import type { ImagePreparer } from '../../images/image-preparer.js';
import { PromptText } from './prompt-text.js';

/** What the engine calls a model, and what its package bounds. */
export interface ServedModel {
  readonly engineModel: string;
  readonly maximumCompletionTokens: number | null;
}

/** What a request holds of its images while it sends them: chunks that are read, pieces that are encoded. */
const SENDING_BYTES = 2 * 1024 * 1024;

/** Most bytes of its blobs that a job holds in memory: long messages whole, images in passing. */
export function heldBytes(job: InferenceJob): number {
  const index = wholeBlob(job.task);
  const whole = index === undefined ? undefined : job.blobs[index];
  const images = job.blobs.filter((blob) => blob !== whole);
  const imageBytes = images.reduce((total, blob) => total + blob.byteSize, 0);
  return (whole?.byteSize ?? 0) + Math.min(SENDING_BYTES, imageBytes);
}

function wholeBlob(task: Task): number | undefined {
  switch (task.kind) {
    case 'chat':
      return Array.isArray(task.messages) ? undefined : task.messages.blob;
    case 'embed':
      return Array.isArray(task.inputs) ? undefined : task.inputs.blob;
    case 'rerank':
      return Array.isArray(task.documents) ? undefined : task.documents.blob;
    case 'completion':
      return Array.isArray(task.prompts) ? undefined : task.prompts.blob;
    case 'tokenize':
      return typeof task.text === 'string' ? undefined : task.text.blob;
    case 'detokenize':
      return Array.isArray(task.tokenIds) ? undefined : task.tokenIds.blob;
    case 'transcription':
    case 'tokenizer':
      return undefined;
  }
}

export interface ChatRequestPorts {
  readonly blobs: BlobStore;
  readonly images: ImagePreparer;
  readonly handover: ImageHandover;
  /** Whose vision tokens are broken in text: see `PromptText`. */
  readonly visionTokens: ImageFamily | null | undefined;
  /** The engine takes a salt that keeps the caches of tenants apart. */
  readonly hasCacheSalt: boolean;
  readonly onTokensBroken: (model: string, count: number) => void;
}

/**
 * Reads long content from its blob, has the images made fit, and builds what the engine gets. Images are read when they are
 * sent. The signal aborts all this.
 *
 * A blob that is gone or does not hold what the envelope promises is our failure, not the client's: `INTERNAL`, from here
 * or from the image's chunks. An image that is damaged is `INVALID_IMAGE`, with its path.
 */
export async function buildChatGeneration(
  job: ChatJob,
  model: ServedModel,
  ports: ChatRequestPorts,
  signal: AbortSignal,
): Promise<ChatGeneration> {
  const prompt = new PromptText(ports.visionTokens);
  const source: Source = { job, ports, prompt, signal };
  const { toolChoice, parallelToolCalls, sampling } = job.task;
  const { messages, tools, responseFormat, extensions } = await readContent(source);
  const request: ChatGeneration = {
    kind: 'chat',
    requestId: job.id,
    model: model.engineModel,
    messages: await toEngineMessages(messages, source),
    sampling: boundSampling(sampling, model.maximumCompletionTokens),
    ...(tools === undefined ? {} : { tools: prompt.tools(tools) }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(parallelToolCalls === undefined ? {} : { parallelToolCalls }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
    ...(extensions === undefined ? {} : { extensions }),
    ...(ports.hasCacheSalt ? { cacheSalt: cacheSaltOf(job.tenant) } : {}),
    ...(job.traceparent === undefined ? {} : { traceparent: job.traceparent }),
  };
  if (prompt.broken > 0) ports.onTokensBroken(job.model, prompt.broken);
  return request;
}

interface Source {
  readonly job: ChatJob;
  readonly ports: ChatRequestPorts;
  readonly prompt: PromptText;
  readonly signal: AbortSignal;
}

/** The engine need not know who its tenants are, only that they are not the same. */
const cacheSaltOf = (tenant: string): string =>
  createHash('sha256').update(`cache-salt:${tenant}`).digest('base64url');

function refOf(job: ChatJob, index: number): BlobRef {
  const ref = job.blobs[index];
  if (ref === undefined) throw new FoveaError('INTERNAL', { detail: `the envelope has no blob ${index}` });
  return ref;
}

/** Long content is parsed on the event loop: the lock is renewed from a thread, other streams wait a little. */
async function readContent({ job, ports, signal }: Source): Promise<ChatContent> {
  const { messages } = job.task;
  if (Array.isArray(messages)) return { ...job.task, messages };
  const ref = refOf(job, messages.blob);
  const bytes = await ports.blobs.read(ref, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw unreadable(ref, error);
  });
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return chatContentSchema.parse(value);
  } catch (error) {
    throw new FoveaError('INTERNAL', { detail: 'the blob of messages does not hold messages', cause: error });
  }
}

/** One after the other: a request with a hundred pictures gets no more of the image workers than one with two. */
async function toEngineMessages(messages: readonly ChatMessage[], source: Source): Promise<EngineMessage[]> {
  const all: EngineMessage[] = [];
  for (const message of messages) all.push(await toEngineMessage(message, source));
  return all;
}

async function toEngineMessage(message: ChatMessage, source: Source): Promise<EngineMessage> {
  const { prompt } = source;
  const { role, name, toolCalls, toolCallId } = message;
  const more = {
    ...(name === undefined ? {} : { name: prompt.text(name) }),
    ...(toolCalls === undefined ? {} : { toolCalls: toolCalls.map((call) => prompt.toolCall(call)) }),
    ...(toolCallId === undefined ? {} : { toolCallId: prompt.text(toolCallId) }),
  };
  const text = message.plain === true ? plainText(message.content) : undefined;
  if (text !== undefined) return { role, content: prompt.text(text), ...more };
  const content: EnginePart[] = [];
  for (const part of message.content) content.push(await toEnginePart(part, source));
  return { role, content, ...more };
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

async function toEnginePart(part: ContentPart, source: Source): Promise<EnginePart> {
  const { job, ports, prompt, signal } = source;
  if (part.type === 'text') return { type: 'text', text: prompt.text(part.text) };
  const { path } = part;
  const owner = { tenant: job.tenant, requestId: job.id, path, signal };
  const ref = await ports.images.prepare(refOf(job, part.blob), owner);
  return { type: 'image', image: toEngineImage(ref, path, ports.handover, { blobs: ports.blobs, signal }) };
}

/** A request for more than the model's maximum is lowered silently, as vLLM does for the room that is left. */
function boundSampling(sampling: Sampling, maximum: number | null): Sampling {
  if (maximum === null) return sampling;
  return { ...sampling, maxTokens: Math.min(sampling.maxTokens ?? maximum, maximum) };
}
