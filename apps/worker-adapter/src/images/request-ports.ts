import type { BlobStore } from '@fovea/blob-store';
import { createImageWorkers, planImage } from '@fovea/image-preprocessing';
import type { AdapterTelemetry } from '@fovea/observability';
import { BlobRoom } from '../generation/blob-room.js';
import type { RequestPorts } from '../generation/request/request-source.js';
import type { WorkerSettings } from '../worker-settings.js';
import { ImagePreparer } from './image-preparer.js';

export interface RequestParts {
  readonly blobs: BlobStore;
  /** Most bytes of pictures in memory to be decoded. */
  readonly roomBytes: number;
  readonly telemetry: Pick<AdapterTelemetry, 'imagePrepared' | 'controlTokensBroken'>;
}

/**
 * How requests are built for the engines of a worker. Only vLLM needs help with pictures and prompts: the
 * gpu-worker-shim turns and flattens pictures itself and never takes typed text for a control token.
 */
export function requestPorts(
  { file, imageProcessor }: WorkerSettings,
  { blobs, roomBytes, telemetry }: RequestParts,
): RequestPorts {
  const { generator, queue } = file;
  const isVllm = generator.type === 'vllm';
  const seesPictures = queue.models.some(({ multimodalEnabled }) => multimodalEnabled);
  return {
    blobs,
    images: new ImagePreparer({
      blobs,
      workers: createImageWorkers(),
      room: new BlobRoom(roomBytes),
      plan: (ref) => (isVllm ? planImage(ref, imageProcessor) : 'pass'),
      onPrepared: (outcome, seconds) => telemetry.imagePrepared(outcome, seconds),
    }),
    handover: { mediaPath: generator.mediaPath, hasUuids: generator.imageUuid },
    visionTokens: isVllm && seesPictures ? (imageProcessor?.family ?? null) : undefined,
    hasCacheSalt: generator.cacheSalt,
    onTokensBroken: (model, count) => telemetry.controlTokensBroken(model, count),
  };
}
