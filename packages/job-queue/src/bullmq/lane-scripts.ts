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
