import { FoveaError } from '@fovea/errors';
import type { Redis } from 'ioredis';

export type BuildTransaction = (multi: ReturnType<Redis['multi']>) => ReturnType<Redis['multi']>;

/** The replies of commands that run as one. Throws the first error among them. */
export async function runTransaction(client: Redis, build: BuildTransaction): Promise<unknown[]> {
  const replies = await build(client.multi()).exec();
  if (replies === null) throw new FoveaError('INTERNAL', { detail: 'a Redis transaction was discarded' });
  return replies.map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}
