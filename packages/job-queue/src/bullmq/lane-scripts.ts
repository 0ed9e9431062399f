import { defineScript } from '@fovea/redis';

/**
 * Removes a job that nobody works on. BullMQ's own removal answers "removed" for a job that is not there.
 *
 * KEYS  1 job hash, 2 lock, 3 wait, 4 prioritized, 5 active, 6 stalled
 * ARGV  1 job id
 * Returns 1 when removed, 0 when a worker holds it or it is not there
 */
export const removeScript = defineScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('LREM', KEYS[3], 0, ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('LREM', KEYS[5], 0, ARGV[1])
redis.call('SREM', KEYS[6], ARGV[1])
return redis.call('DEL', KEYS[1])
`);

/**
 * Puts the next of the jobs from a score on in front, under another score. It keeps the priority in its hash: handed back, it
 * is again the first among its like.
 *
 * KEYS  1 prioritized, 2 meta
 * ARGV  1 lowest score of those to choose from, 2 score to give
 * Returns 1, or 0 when there is none, or none may be taken
 */
export const advanceScript = defineScript(`
if redis.call('HEXISTS', KEYS[2], 'paused') == 1 then return 0 end
local first = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'LIMIT', 0, 1)[1]
if not first then return 0 end
redis.call('ZADD', KEYS[1], 'XX', ARGV[2], first)
return 1
`);
