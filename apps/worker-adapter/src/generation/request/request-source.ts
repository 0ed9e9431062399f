import { createHash } from 'node:crypto';
import type { EngineImage } from '@fovea/backends';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { BlobRef, InferenceJob } from '@fovea/schemas/jobs';
import type { ImageFamily } from '@fovea/schemas/model-package';
import type { z } from 'zod';
import { type ImageHandover, toEngineImage, unreadable } from '../../images/engine-image.js';
import type { ImagePreparer } from '../../images/image-preparer.js';
import type { PromptText } from './prompt-text.js';

/** What the engine calls a model, and what bounds it. */
export interface ServedModel {
  readonly engineModel: string;
  readonly maximumCompletionTokens: number | null;
  /** Tokens of prompt and answer together. */
  readonly contextTokens: number;
}

/** What requests are built with. */
export interface RequestPorts {
  readonly blobs: BlobStore;
  readonly images: ImagePreparer;
  readonly handover: ImageHandover;
  /** Whose vision tokens are broken in text: see `PromptText`. */
  readonly visionTokens: ImageFamily | null | undefined;
  /** The engine takes a salt that keeps the caches of tenants apart. */
  readonly hasCacheSalt: boolean;
  readonly onTokensBroken: (model: string, count: number) => void;
}

/** What a request is built from. */
export interface RequestSource {
  readonly job: Omit<InferenceJob, 'task'>;
  readonly ports: RequestPorts;
  readonly prompt: PromptText;
  readonly signal: AbortSignal;
}

/** The fields that every request has. */
export function requestHead(
  job: RequestSource['job'],
  model: ServedModel,
  { hasCacheSalt }: Pick<RequestPorts, 'hasCacheSalt'>,
): { requestId: string; model: string; cacheSalt?: string; traceparent?: string } {
  return {
    requestId: job.id,
    model: model.engineModel,
    ...(hasCacheSalt ? { cacheSalt: cacheSaltOf(job.tenant) } : {}),
    ...(job.traceparent === undefined ? {} : { traceparent: job.traceparent }),
  };
}

/** The engine need not know who its tenants are, only that they are not the same. */
const cacheSaltOf = (tenant: string): string =>
  createHash('sha256').update(`cache-salt:${tenant}`).digest('base64url');

/** Throws `INTERNAL` when the envelope has no such blob. */
export function refOf({ blobs }: RequestSource['job'], index: number): BlobRef {
  const ref = blobs[index];
  if (ref === undefined) throw new FoveaError('INTERNAL', { detail: `the envelope has no blob ${index}` });
  return ref;
}

/**
 * The long content of a job, from its blob. It is parsed on the event loop: the lock is renewed from a thread, other
 * streams wait a little. Throws `INTERNAL` when the blob is gone or does not hold what the envelope promises.
 */
export async function readLongContent<T>(
  { job, ports, signal }: RequestSource,
  index: number,
  schema: z.ZodType<T>,
  what: string,
): Promise<T> {
  const ref = refOf(job, index);
  const bytes = await ports.blobs.read(ref, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw unreadable(ref, error);
  });
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return schema.parse(value);
  } catch (error) {
    throw new FoveaError('INTERNAL', { detail: `the blob of ${what} does not hold ${what}`, cause: error });
  }
}

/** An image of a job, made fit for the engine; its bytes are read when they are sent. */
export async function engineImageOf(
  { blob, path }: { readonly blob: number; readonly path: string },
  { job, ports, signal }: RequestSource,
): Promise<EngineImage> {
  const owner = { tenant: job.tenant, requestId: job.id, path, signal };
  const ref = await ports.images.prepare(refOf(job, blob), owner);
  return toEngineImage(ref, path, ports.handover, { blobs: ports.blobs, signal });
}

/** A request for more than the model's maximum is lowered silently, as vLLM does for the room that is left. */
export function boundTokens(asked: number | undefined, maximum: number | null): number | undefined {
  if (maximum === null) return asked;
  return Math.min(asked ?? maximum, maximum);
}
