import type { BlobStore } from '@fovea/blob-store';
import type { FoveaError } from '@fovea/errors';
import type { Lease } from '@fovea/job-queue';
import type { Logger } from '@fovea/observability';
import type { ErrorEvent, Usage } from '@fovea/schemas/events';
import type { AppendOutcome, TokenStream, TokenWriter } from '@fovea/token-stream';
import { pause } from '../../pause.js';
import { type Ending, toErrorEvent } from './ending.js';

export interface SettlementPorts {
  readonly lease: Lease;
  readonly writer: TokenWriter;
  readonly stream: TokenStream;
  readonly blobs: BlobStore;
  readonly usage: () => Usage;
  readonly logger: Logger;
}

/** What became of the job. */
export type Settled =
  | { readonly kind: 'finished'; readonly error: FoveaError | undefined }
  | { readonly kind: 'already-ended' }
  | { readonly kind: 'handed-back'; readonly error: FoveaError | undefined }
  | { readonly kind: 'abandoned' };

const RETRY_PAUSE_MS = 1_000;

/**
 * Brings an attempt to its end: the terminal event first, then the references to blobs, then the job. In that order
 * a death at any point leaves a job that the next attempt can finish.
 */
export async function settle(ending: Ending, ports: SettlementPorts): Promise<Settled> {
  switch (ending.kind) {
    case 'abandoned':
      return ending;
    case 'hand-back':
      return handBack(ending.error, ports);
    case 'already-ended':
      return finish(ending, ports);
    case 'completed':
      return finish({ kind: 'finished', error: undefined }, ports);
    case 'error': {
      const outcome = await insist(ports, () => writeError(toErrorEvent(ending.error, ports.usage()), ports));
      if (outcome === undefined) return { kind: 'abandoned' };
      if (outcome === 'fenced') return handBack(ending.error, ports);
      const isOurs = outcome === 'appended';
      return finish(isOurs ? { kind: 'finished', error: ending.error } : { kind: 'already-ended' }, ports);
    }
  }
}

/** Behind all that was written before; past the writer only when that has stopped. */
async function writeError(
  event: ErrorEvent,
  { writer, stream, lease }: SettlementPorts,
): Promise<AppendOutcome['outcome']> {
  if (writer.stopped.aborted) return (await stream.append(lease.job.id, lease.fence, [event])).outcome;
  writer.write(event);
  return (await writer.flush()).outcome;
}

async function handBack(error: FoveaError | undefined, ports: SettlementPorts): Promise<Settled> {
  const done = await insist(ports, async () => {
    await ports.lease.handBack();
    return true;
  });
  return done === undefined ? { kind: 'abandoned' } : { kind: 'handed-back', error };
}

async function finish(settled: Settled, ports: SettlementPorts): Promise<Settled> {
  const { lease, logger } = ports;
  try {
    await release(ports);
  } catch (error) {
    // The sweeper drops what a request left behind; the answer is complete all the same.
    logger.warn({ requestId: lease.job.id, err: error }, 'blob references could not be released');
  }
  await insist(ports, () => lease.acknowledge());
  return settled;
}

async function release(ports: SettlementPorts): Promise<void> {
  const { lease, blobs } = ports;
  if (lease.job.task.kind === 'tokenizer' && (await isLeftToReader(ports))) return;
  await blobs.release(lease.job.id, { linger: true });
}

/**
 * Whether a file that is the answer belongs to the gateway that waits for it. One that leaves gives up its lease before it
 * looks for the end of the log; here the end is written before the lease is looked for. So at least one of the two finds
 * that the file is nobody's, and no store is told to drop what is just being put.
 */
async function isLeftToReader({ lease: { job }, stream }: SettlementPorts): Promise<boolean> {
  const [{ terminal }, lapsed] = await Promise.all([stream.state(job.id), stream.lapsed([job.id])]);
  return terminal?.type === 'generation-end' && lapsed.length === 0;
}

/**
 * A job that is neither acknowledged nor given back would keep its lock for as long as this process lives. So an
 * action that the store refuses is tried again until it works, or the lock is lost: then undefined.
 */
async function insist<T>(
  { lease, logger }: SettlementPorts,
  action: () => Promise<T>,
): Promise<T | undefined> {
  while (!lease.lost.aborted) {
    try {
      return await action();
    } catch (error) {
      logger.error({ requestId: lease.job.id, err: error }, 'job could not be settled, trying again');
      await pause(RETRY_PAUSE_MS, lease.lost);
    }
  }
  return undefined;
}
