import { defineScript, filesKey } from '@fovea/redis';

/**
 * Keys of one tenant, all under `{f:<tenant>}`:
 *
 *     files    hash   id → <byte size> <json>
 *     expiry   zset   id → when it expires, ms since the epoch
 *     bytes    int    sum of the byte sizes
 *
 * They go a day after the last file expired, so that a tenant who never returns leaves nothing.
 */
export const catalogueKeys = (tenant: string): [files: string, expiry: string, bytes: string] => [
  filesKey(tenant, 'files'),
  filesKey(tenant, 'expiry'),
  filesKey(tenant, 'bytes'),
];

const remove = `
local function remove(id)
  local stored = redis.call('HGET', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  if not stored then return 0 end
  redis.call('HDEL', KEYS[1], id)
  redis.call('DECRBY', KEYS[3], string.match(stored, '^%d+'))
  if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('DEL', KEYS[3]) end
  return 1
end
`;

/**
 * KEYS files, expiry, bytes
 * ARGV id, value, byte size, expires at ms, max files, max bytes
 * Returns 1, or 0 when the limits leave no room
 */
export const addScript = defineScript(`
local size = tonumber(ARGV[3])
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return 0 end
if tonumber(redis.call('GET', KEYS[3]) or 0) + size > tonumber(ARGV[6]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('INCRBY', KEYS[3], ARGV[3])
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, string.format('%.0f', last[2] + 86400000)) end
return 1
`);

/**
 * KEYS files, expiry, bytes
 * ARGV id, now ms
 * Returns 1, or 0 when there was none or it had expired
 */
export const removeScript = defineScript(`
${remove}
local expiresAt = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not expiresAt or tonumber(expiresAt) <= tonumber(ARGV[2]) then return 0 end
return remove(ARGV[1])
`);

/**
 * KEYS files, expiry, bytes
 * ARGV now ms
 * Returns the ids of the files that had expired
 */
export const takeExpiredScript = defineScript(`
${remove}
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, 1000)
for _, id in ipairs(ids) do remove(id) end
return ids
`);

/**
 * KEYS files, expiry, bytes
 * Returns {files, bytes, expiry of the next one or ''}
 */
export const usageScript = defineScript(`
local next = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return {redis.call('HLEN', KEYS[1]), tonumber(redis.call('GET', KEYS[3]) or 0), next[2] or ''}
`);
