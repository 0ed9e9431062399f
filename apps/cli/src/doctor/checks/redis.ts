import type { Redis } from 'ioredis';
import { byteText } from '../byte-text.js';
import { judgeClock } from '../clock.js';
import type { Findings } from '../finding.js';

const LEAST_VERSION = [6, 2] as const;
const FULL = 0.8;

type Info = ReadonlyMap<string, string>;

function parseInfo(text: string): Info {
  return new Map(
    text.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':');
      return at > 0 && !line.startsWith('#') ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );
}

function checkVersion(info: Info, findings: Findings): void {
  const name = info.get('server_name') ?? (info.has('valkey_version') ? 'valkey' : 'redis');
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor >= LEAST_VERSION[1]);
  if (isNew) findings.ok(`${name} ${version} answers.`);
  else
    findings.fail(
      `${name} ${version} is too old.`,
      `Install Redis ${LEAST_VERSION.join('.')} or newer, or Valkey.`,
    );
  if (info.get('role') === 'slave') {
    findings.fail('It is a read-only replica.', 'Point REDIS_URL at the primary.');
  }
}

function checkPersistence(info: Info, findings: Findings): void {
  if (info.get('aof_enabled') !== '1') {
    findings.warn(
      'It keeps no append-only file: queued requests, created keys and packages are lost when it restarts.',
      'redis-cli CONFIG SET appendonly yes, and "appendonly yes" in redis.conf',
    );
  } else if (info.get('aof_last_write_status') === 'err' || info.get('aof_last_bgrewrite_status') === 'err') {
    findings.fail('It fails to write its append-only file.', 'Look at its log and at the space on its disk.');
  } else findings.ok('It keeps an append-only file.');
}

function checkMemory(info: Info, findings: Findings): void {
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  if (policy === 'noeviction') findings.ok('maxmemory-policy is noeviction.');
  else {
    findings.fail(
      `maxmemory-policy is ${policy}: it may throw away requests.`,
      'redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf',
    );
  }
  const used = Number(info.get('used_memory') ?? 0);
  const bound = Number(info.get('maxmemory') ?? 0);
  const limit = bound > 0 ? bound : Number(info.get('total_system_memory') ?? 0);
  const text = `It uses ${byteText(used)} of ${limit > 0 ? byteText(limit) : 'an unknown amount'}.`;
  if (limit > 0 && used > limit * FULL)
    findings.warn(text, 'Give it more memory (maxmemory), or lower LOG_TTL_S.');
  else findings.ok(text);
}

async function checkClock(redis: Redis, findings: Findings): Promise<void> {
  const askedAtMs = Date.now();
  const [seconds = 0, micros = 0] = await redis.time();
  const middleMs = (askedAtMs + Date.now()) / 2;
  judgeClock(findings, 'Redis', Number(seconds) * 1_000 + Number(micros) / 1_000 - middleMs);
}

/** What gateway and workers rely on. Goes by INFO alone: managed servers let nobody ask for their configuration. */
export async function checkRedis(redis: Redis, url: string, findings: Findings): Promise<void> {
  const info = parseInfo(await redis.info());
  checkVersion(info, findings);
  if (new URL(url).password !== '') findings.ok('It asks for a password.');
  else {
    findings.warn(
      'It lets everybody in who reaches it: REDIS_URL has no password.',
      'Set requirepass in redis.conf and use redis://:password@host:port.',
    );
  }
  checkMemory(info, findings);
  checkPersistence(info, findings);
  await checkClock(redis, findings);
}
