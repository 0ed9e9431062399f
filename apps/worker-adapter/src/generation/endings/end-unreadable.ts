import { randomUUID } from 'node:crypto';
import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { TokenStream } from '@fovea/token-stream';
import { toErrorEvent } from './ending.js';

/**
 * Tells the client of a job whose envelope this version cannot read, written by a newer gateway for example: without
 * an event it would wait for its deadline.
 */
export async function endUnreadable(requestId: string, stream: TokenStream, blobs: BlobStore): Promise<void> {
  const fence = `unreadable:${randomUUID()}`;
  const { terminal } = await stream.open(requestId, fence);
  if (terminal === undefined) {
    const error = new FoveaError('INTERNAL');
    await stream.append(requestId, fence, [toErrorEvent(error, { promptTokens: 0, completionTokens: 0 })]);
  }
  await blobs.release(requestId, { linger: true });
}
