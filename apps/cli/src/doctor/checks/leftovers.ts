import type { LaneControl } from '@fovea/job-queue';
import type { ModelRegistry } from '@fovea/model-registry';
import { modelsKey } from '@fovea/redis';
import type { Redis } from 'ioredis';
import { ageText } from '../../queues/list-lanes.js';
import type { Findings } from '../finding.js';

const KEYS_PER_SCAN = 1_000;
/** Enough to tell; a server with more is busy, not ill. */
const MAX_SCANNED = 200_000;
const requestIdOf = (key: string): string => /^\{r:([^}]+)\}/.exec(key)?.[1] ?? '';

/** Requests of which something is kept without an end: everything of one lapses unless it was written by hand or half. */
async function countEverlasting(redis: Redis): Promise<number> {
  const everlasting = new Set<string>();
  let cursor = '0';
  let scanned = 0;
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', '{r:*', 'COUNT', KEYS_PER_SCAN);
    const pipeline = redis.pipeline();
    for (const key of keys) pipeline.pttl(key);
    const replies = (await pipeline.exec()) ?? [];
    for (const [index, [error, ttl]] of replies.entries()) {
      if (error === null && ttl === -1) everlasting.add(requestIdOf(keys[index] ?? ''));
    }
    scanned += keys.length;
    cursor = next;
  } while (cursor !== '0' && scanned < MAX_SCANNED);
  return everlasting.size;
}

async function checkPresence(redis: Redis, graceS: number, findings: Findings): Promise<void> {
  const [seconds = 0] = await redis.time();
  const beforeMs = Number(seconds) * 1_000 - graceS * 1_000;
  const stale = await redis.zcount(modelsKey('presence'), '-inf', beforeMs);
  if (stale === 0) return findings.ok('Every worker that is listed was heard of lately.');
  findings.warn(
    `${stale} ${stale === 1 ? 'worker has' : 'workers have'} gone without signing off.`,
    'Nothing needs to be done: entries are dropped after an hour. If you did not stop them, look at their logs.',
  );
}

async function checkPackages(registry: ModelRegistry, findings: Findings): Promise<ReadonlySet<string>> {
  const models = await registry.list();
  const checkpoints = new Set(models.map(({ package: { checkpoint } }) => checkpoint));
  for (const checkpoint of checkpoints) {
    const offered = models.filter((each) => each.package.checkpoint === checkpoint);
    if (offered.some(({ status }) => status === 'available')) continue;
    findings.warn(
      `Checkpoint ${checkpoint} is registered and has no worker.`,
      `Start its worker-adapter, or forget it: fovea models rm ${checkpoint}`,
    );
  }
  if (checkpoints.size === 0) findings.warn('No model is registered.', 'Start a worker-adapter.');
  return checkpoints;
}

async function checkLanes(
  lanes: LaneControl,
  registered: ReadonlySet<string>,
  findings: Findings,
): Promise<void> {
  for (const lane of await lanes.lanes()) {
    const { state, waiting, active, oldestWaitMs } = await lanes.status(lane);
    const name = `${lane.checkpoint}/${lane.kind}`;
    if (state !== 'open') {
      findings.warn(
        `Lane ${name} is ${state}, with ${waiting} waiting.`,
        `fovea queues resume ${lane.checkpoint}`,
      );
    }
    if (waiting + active > 0 && !registered.has(lane.checkpoint)) {
      findings.warn(
        `Lane ${name} holds ${waiting + active} requests (oldest ${ageText(oldestWaitMs)}) of a checkpoint that is not registered.`,
        'Start its worker-adapter: it registers the checkpoint and takes them.',
      );
    }
  }
}

/** What is kept in Redis and should not be there, or not for so long. */
export async function checkLeftovers(
  { redis, lanes, registry }: { redis: Redis; lanes: LaneControl; registry: ModelRegistry },
  graceS: number,
  findings: Findings,
): Promise<void> {
  await checkPresence(redis, graceS, findings);
  await checkLanes(lanes, await checkPackages(registry, findings), findings);
  const everlasting = await countEverlasting(redis);
  if (everlasting === 0) findings.ok('What is kept of requests lapses by itself.');
  else {
    findings.warn(
      `Something of ${everlasting} requests is kept without an end.`,
      'redis-cli --scan --pattern "{r:*" | xargs redis-cli del   (while nothing runs)',
    );
  }
}
