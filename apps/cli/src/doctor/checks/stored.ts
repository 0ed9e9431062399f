import { LastError } from '../../deployment/redis-failure.js';
import { Failure } from '../../failure.js';
import type { Examination } from '../examination.js';
import { type Finding, Findings } from '../finding.js';
import { checkLeftovers } from './leftovers.js';
import { checkRedis } from './redis.js';

/** Redis, and what is kept in it. */
export async function checkStored({ redisUrl, terminal, deployment }: Examination): Promise<Finding[]> {
  const findings = new Findings('redis');
  if (redisUrl === undefined) {
    findings.warn(
      'No Redis is named, so none was looked at.',
      'Set REDIS_URL as gateway and workers have it.',
    );
    return findings.list;
  }
  const leftovers = new Findings('leftovers');
  const { ports, signal } = terminal;
  const last = new LastError();
  const redis = await ports.openRedis(redisUrl, last.note);
  try {
    await redis.ping();
    await checkRedis(redis, redisUrl, findings);
    const graceS = await deployment.number('WORKER_GRACE_S', 10);
    const lanes = await ports.openLanes(redisUrl, last.note);
    const registry = await ports.openRegistry(redisUrl, graceS);
    try {
      await checkLeftovers({ redis, lanes, registry }, graceS, leftovers);
    } finally {
      await Promise.all([lanes.close(), registry.close()]);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(last.failure(error) instanceof Failure)) throw error;
    const fix =
      'Start it, or correct REDIS_URL. Under npm start the one in .fovea runs as long as npm start does.';
    findings.fail(`Redis cannot be used: ${last.reason(error)}.`, fix);
  } finally {
    redis.disconnect();
  }
  return [...findings.list, ...leftovers.list];
}
