import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A Lua script run by its digest; the text travels once per server (again after `SCRIPT FLUSH` or a failover). */
export interface Script {
  run(client: Redis, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown>;
}

/** Every key a script touches must be in `keys` and share one hash tag, so that it also runs in Redis Cluster. */
export function defineScript(lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');
  return {
    async run(client, keys, args) {
      try {
        return await client.evalsha(sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return client.eval(lua, keys.length, ...keys, ...args);
      }
    },
  };
}
