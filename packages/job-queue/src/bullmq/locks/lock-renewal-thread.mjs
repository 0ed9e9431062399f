/**
 * Renews the locks of all leases of this process, away from its event loop.
 *
 * Plain JavaScript, because a worker thread is started from a file: this one runs unbuilt under the tests and is copied
 * by `tsc` into `dist`. It must not import TypeScript.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Redis } from 'ioredis';

/** @import { FromRenewalThread, HeldLock, RenewalSettings, ToRenewalThread } from './lock-messages.js' */

if (parentPort === null) throw new Error('lock-renewal-thread must be started as a worker thread');
const port = parentPort;
/** @type {RenewalSettings} */
const settings = workerData;
const heartbeat = new Int32Array(settings.heartbeat);

/** @type {Map<number, HeldLock>} */
const locks = new Map();

/**
 * BullMQ's `extendLock`, and one case more: the lock has lapsed while Redis was away, but nobody has taken the job since
 * (it is still active and its count of attempts is ours). Then it is still our job, and the lock is set again.
 *
 * KEYS  1 lock, 2 stalled set, 3 active list, 4 job hash
 * ARGV  1 token, 2 lock duration in ms, 3 job id, 4 attempt
 * Returns 1 when the lock is ours, else 0
 */
const renewScript = `
local token = redis.call('GET', KEYS[1])
if not token then
  if redis.call('HGET', KEYS[4], 'ats') ~= ARGV[4] then return 0 end
  if not redis.call('LPOS', KEYS[3], ARGV[3]) then return 0 end
elseif token ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SREM', KEYS[2], ARGV[3])
return 1
`;

/** @param {FromRenewalThread} message */
const tell = (message) => port.postMessage(message);

// A renewal that could not be sent in time is worthless later, so nothing is queued or sent twice.
const redis = new Redis(settings.url, {
  connectionName: settings.connectionName,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: settings.lockMs / 2,
  connectTimeout: settings.lockMs,
  retryStrategy: () => settings.renewEveryMs / 4,
});
redis.on('error', (error) => reportFailure(error.message));
redis.once('ready', () => tell({ kind: 'ready' }));

let isFailing = false;
/** @param {string} message */
function reportFailure(message) {
  if (isFailing) return;
  isFailing = true;
  tell({ kind: 'failing', message });
}

let lastBeat = Atomics.load(heartbeat, 0);
let lastBeatAtMs = performance.now();

function isMainLoopDead() {
  const beat = Atomics.load(heartbeat, 0);
  if (beat !== lastBeat) {
    lastBeat = beat;
    lastBeatAtMs = performance.now();
  }
  return performance.now() - lastBeatAtMs > settings.blockedLoopMs;
}

async function renewAll() {
  if (isMainLoopDead() || locks.size === 0 || redis.status !== 'ready') return;
  const batch = [...locks.values()];
  const pipeline = redis.pipeline();
  for (const { lock, stalled, active, job, token, requestId, attempt } of batch) {
    pipeline.eval(renewScript, 4, lock, stalled, active, job, token, settings.lockMs, requestId, attempt);
  }
  const replies = (await pipeline.exec()) ?? [];
  const failure = replies.find(([error]) => error !== null)?.[0];
  if (failure) reportFailure(failure.message);
  else isFailing = false;
  for (const [index, { holdId }] of batch.entries()) {
    const isLost = replies[index]?.[1] === 0;
    if (isLost && locks.delete(holdId)) tell({ kind: 'lost', holdId });
  }
}

let isRenewing = false;
setInterval(() => {
  if (isRenewing) return;
  isRenewing = true;
  renewAll()
    .catch((error) => reportFailure(String(error)))
    .finally(() => {
      isRenewing = false;
    });
}, settings.renewEveryMs);

port.on('message', (/** @type {ToRenewalThread} */ message) => {
  if (message.kind === 'hold') locks.set(message.held.holdId, message.held);
  else locks.delete(message.holdId);
});
