import type { Redis } from 'ioredis';
import { z } from 'zod';
import { NICE_PRIORITY, type WaitingWork } from '../index.js';
import { sumByModel } from './job-tag.js';
import { runTransaction } from './transaction.js';

/** BullMQ's score of the first job of a priority; a counter in the lower 32 bits keeps the others in order. */
export const firstScore = (priority: number): number => priority * 2 ** 32;

const idsSchema = z.array(z.array(z.string()));
const tagsSchema = z.array(z.string().nullable());
const timesSchema = z.array(z.coerce.number().nullable());
/** So that no transaction holds Redis up. */
const TAGS_AT_ONCE = 500;

/** The jobs of a lane that nobody has taken, read past BullMQ: `prioritized`, and `wait` with those of dead workers. */
export class WaitingJobs {
  constructor(
    private readonly client: Redis,
    /** The lane's key with that suffix. */
    private readonly key: (suffix: string) => string,
  ) {}

  /**
   * When the first of them was enqueued, ms since the epoch: the first of each priority in use, and the first
   * of those given back by a dead worker.
   */
  async oldestEnqueuedAtMs(): Promise<number | undefined> {
    const prioritized = this.key('prioritized');
    const replies = await runTransaction(this.client, (multi) =>
      multi
        .lrange(this.key('wait'), -1, -1)
        .zrange(prioritized, '0', '0')
        .zrange(prioritized, `${firstScore(NICE_PRIORITY)}`, '+inf', 'BYSCORE', 'LIMIT', 0, 1),
    );
    const times = timesSchema.parse(await this.#fields(idsSchema.parse(replies).flat(), 'timestamp'));
    const known = times.filter((time) => time !== null);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** Jobs and expected tokens by model, from the tags of all that wait. */
  async work(): Promise<WaitingWork[]> {
    const replies = await runTransaction(this.client, (multi) =>
      multi.lrange(this.key('wait'), 0, -1).zrange(this.key('prioritized'), '0', '-1'),
    );
    const ids = [...new Set(idsSchema.parse(replies).flat())];
    const tags: (string | null)[] = [];
    for (let from = 0; from < ids.length; from += TAGS_AT_ONCE) {
      const some = ids.slice(from, from + TAGS_AT_ONCE);
      tags.push(...tagsSchema.parse(await this.#fields(some, 'name')));
    }
    return sumByModel(tags.filter((tag) => tag !== null));
  }

  #fields(ids: readonly string[], field: string): Promise<unknown[]> {
    if (ids.length === 0) return Promise.resolve([]);
    return runTransaction(this.client, (multi) => {
      for (const id of ids) multi.hget(this.key(id), field);
      return multi;
    });
  }
}
