import { defineScript, modelsKey } from '@fovea/redis';

/**
 * Keys, all under `{models}`:
 *
 *     packages   hash   <checkpoint>:<version> → <digest><json>
 *     highest    hash   <checkpoint> → highest version
 *     names      hash   model name → checkpoint that offers it
 *     presence   zset   <checkpoint>:<version>:<worker> → when it was last heard of, ms of Redis' clock
 */
export const registryKeys = {
  packages: modelsKey('packages'),
  highest: modelsKey('highest'),
  names: modelsKey('names'),
  presence: modelsKey('presence'),
} as const;

const nowMs = `
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * KEYS packages, highest, names, presence
 * ARGV package field, checkpoint, version, digest, json, presence member, forget after ms, model names …
 * Returns {'registered'} | {'other-content', stored json} | {'lower', highest version} | {'name-taken', name, checkpoint}
 */
export const registerScript = defineScript(`
local packages, highest, names, presence = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local field, checkpoint, version, digest, json, member = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local stored = redis.call('HGET', packages, field)
if stored and string.sub(stored, 1, 64) ~= digest then return {'other-content', string.sub(stored, 65)} end
if not stored then
  local known = redis.call('HGET', highest, checkpoint)
  if known and version < tonumber(known) then return {'lower', known} end
  for i = 8, #ARGV do
    local owner = redis.call('HGET', names, ARGV[i])
    if owner and owner ~= checkpoint then return {'name-taken', ARGV[i], owner} end
  end
  for i = 8, #ARGV do redis.call('HSET', names, ARGV[i], checkpoint) end
  redis.call('HSET', packages, field, digest .. json)
  redis.call('HSET', highest, checkpoint, ARGV[3])
end
${nowMs}
redis.call('ZREMRANGEBYSCORE', presence, '-inf', nowMs - tonumber(ARGV[7]))
redis.call('ZADD', presence, nowMs, member)
return {'registered'}
`);

/**
 * KEYS packages, presence
 * ARGV package field, digest, presence member, forget after ms
 * Returns 1, or 0 when the package is not stored with that content
 */
export const renewScript = defineScript(`
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored or string.sub(stored, 1, 64) ~= ARGV[2] then return 0 end
${nowMs}
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', nowMs - tonumber(ARGV[4]))
redis.call('ZADD', KEYS[2], nowMs, ARGV[3])
return 1
`);

/**
 * KEYS presence
 * ARGV presence member
 * Returns 1 when the worker was present
 */
export const withdrawScript = defineScript(`return redis.call('ZREM', KEYS[1], ARGV[1])`);

/**
 * KEYS packages, highest, names, presence
 * ARGV checkpoint, beginning of its package fields and presence members, grace ms
 * Returns 'removed', 'in-use' or 'unknown'
 */
export const removeScript = defineScript(`
local packages, highest, names, presence = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local checkpoint, beginning = ARGV[1], ARGV[2]
local function isOurs(text) return string.sub(text, 1, #beginning) == beginning end
if redis.call('HEXISTS', highest, checkpoint) == 0 then return 'unknown' end
${nowMs}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', presence, nowMs - tonumber(ARGV[3]), '+inf')) do
  if isOurs(member) then return 'in-use' end
end
for _, member in ipairs(redis.call('ZRANGE', presence, 0, -1)) do
  if isOurs(member) then redis.call('ZREM', presence, member) end
end
for _, field in ipairs(redis.call('HKEYS', packages)) do
  if isOurs(field) then redis.call('HDEL', packages, field) end
end
local owners = redis.call('HGETALL', names)
for i = 1, #owners, 2 do
  if owners[i + 1] == checkpoint then redis.call('HDEL', names, owners[i]) end
end
redis.call('HDEL', highest, checkpoint)
return 'removed'
`);

/**
 * KEYS packages, presence
 * ARGV grace ms
 * Returns {stored packages, presence members heard of within the grace}
 */
export const listScript = defineScript(`
${nowMs}
local present = redis.call('ZRANGEBYSCORE', KEYS[2], nowMs - tonumber(ARGV[1]), '+inf')
return {redis.call('HVALS', KEYS[1]), present}
`);
