import { BlobRoom } from '../generation/blob-room.js';
import type { RequestPorts } from '../generation/request/request-source.js';
import { ImagePreparer } from '../images/image-preparer.js';
import type { FakeBlobStore } from './fake-blob-store.js';

/** Builds requests for an engine that takes every picture as it is and nothing beyond the protocol. */
export function plainRequestPorts(blobs: FakeBlobStore): RequestPorts {
  const images = new ImagePreparer({
    blobs,
    workers: { normalise: () => Promise.reject(new Error('nothing to do')), running: 0, waiting: 0 },
    room: new BlobRoom(1),
    plan: () => 'pass',
    onPrepared: () => undefined,
  });
  return {
    blobs,
    images,
    handover: { mediaPath: undefined, hasUuids: false },
    visionTokens: undefined,
    hasCacheSalt: false,
    onTokensBroken: () => undefined,
  };
}
