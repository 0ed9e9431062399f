import { defineScript } from '@fovea/redis';

/**
 * Appends one entry to a request's log and announces it, or says why not.
 *
 * KEYS  1 log list, 2 state hash
 * ARGV  1 fence, 2 length the writer believes in, 3 element, 4 terminal event as JSON or '', 5 '1' if the element
 *       holds output, 6 time to live in ms, 7 channel, 8 writer tag, 9 longest element that is published whole,
 *       10 most bytes a log may hold
 * Returns {status, length}:
 *   appended  written now, or already there because the same call was sent twice over a reconnect
 *   fenced    another attempt holds the fence
 *   missing   there is no state: expired, dropped, or lost in a rollback
 *   ended     a terminal event is there
 *   diverged  the log does not have the length the writer believes in: Redis was rolled back
 *   full      the log would exceed its byte limit; a terminal entry is always let in
 */
export const appendScript = defineScript(`
local fence = redis.call('HGET', KEYS[2], 'fence')
local length = redis.call('LLEN', KEYS[1])
if not fence then return {'missing', length} end
if fence ~= ARGV[1] then return {'fenced', length} end
local believed = tonumber(ARGV[2])
if length == believed + 1 and redis.call('LINDEX', KEYS[1], -1) == ARGV[3] then return {'appended', length} end
if redis.call('HEXISTS', KEYS[2], 'terminal') == 1 then return {'ended', length} end
if length ~= believed then return {'diverged', length} end
local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[3])
if ARGV[4] == '' and bytes > tonumber(ARGV[10]) then return {'full', length} end
length = redis.call('RPUSH', KEYS[1], ARGV[3])
if ARGV[5] == '1' then redis.call('HSET', KEYS[2], 'output', '1') end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'terminal', ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
local announcement = length .. ' ' .. ARGV[8]
if #ARGV[3] <= tonumber(ARGV[9]) then announcement = announcement .. ' ' .. ARGV[3] end
redis.call('PUBLISH', ARGV[7], announcement)
return {'appended', length}
`);

/**
 * Takes the write side for a fence and tells what the log holds. A log that has ended keeps its time to live.
 *
 * KEYS  1 log list, 2 state hash
 * ARGV  1 fence, 2 time to live of an open log in ms, 3 '1' to take it only if there is no state
 * Returns {fence that holds now, length, output or '', terminal or ''}
 */
export const openScript = defineScript(`
local current = redis.call('HGET', KEYS[2], 'fence')
if ARGV[3] ~= '1' or not current then
  redis.call('HSET', KEYS[2], 'fence', ARGV[1])
  current = ARGV[1]
end
local state = redis.call('HMGET', KEYS[2], 'output', 'terminal')
if not state[2] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return {current, redis.call('LLEN', KEYS[1]), state[1] or '', state[2] or ''}
`);
