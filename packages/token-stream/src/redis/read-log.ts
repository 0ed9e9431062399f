import { FoveaError } from '@fovea/errors';
import { requestKey } from '@fovea/redis';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { parseElement, type StoredEntry } from './log-entry.js';
import { transactionReplies } from './log-state.js';
import type { Position } from './pushed-entries.js';

export type LogPage =
  | { readonly kind: 'entries'; readonly entries: readonly StoredEntry[]; readonly known: Position }
  /** The log holds less than the reader has seen. `canGrow`: its writer may still restore what was lost. */
  | { readonly kind: 'short'; readonly exists: boolean; readonly canGrow: boolean }
  /** Another attempt has written the entry the reader already has. */
  | { readonly kind: 'rewritten' };

const repliesSchema = z.tuple([z.array(z.string()), z.number(), z.number(), z.number()]);

/** Reads at most `limit` entries after a position, and checks that the log still holds that position. */
export async function readPage(
  client: Redis,
  requestId: string,
  position: Position,
  limit: number,
): Promise<LogPage> {
  const log = requestKey(requestId, 'log');
  const state = requestKey(requestId, 'state');
  // The entry the reader already has comes along, so that a rewritten log is noticed in the same round trip.
  const first = Math.max(position.id - 1, 0);
  const replies = await client
    .multi()
    .lrange(log, first, position.id + limit - 1)
    .llen(log)
    .exists(state)
    .hexists(state, 'terminal')
    .exec();
  const [elements, length, exists, ended] = repliesSchema.parse(transactionReplies(replies));
  if (length < position.id) return { kind: 'short', exists: exists === 1, canGrow: ended === 0 };
  const entries = elements.map((element, index) => parseElement(first + index + 1, element));
  if (position.id === 0) return { kind: 'entries', entries, known: position };
  const [known, ...fresh] = entries;
  if (known === undefined)
    throw new FoveaError('INTERNAL', { detail: 'a request log shrank within one read' });
  if (position.writer !== undefined && position.writer !== known.writer) return { kind: 'rewritten' };
  return { kind: 'entries', entries: fresh, known };
}
