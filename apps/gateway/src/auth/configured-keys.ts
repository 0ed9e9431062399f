import { createHash, timingSafeEqual } from 'node:crypto';
import type { Principal } from './principal.js';

export interface ConfiguredKey extends Principal {
  readonly key: string;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * The API keys that are configured. Keys are kept as digests and every comparison looks at every key, so that the time
 * an answer takes tells nothing about how close a guess was.
 */
export class ConfiguredKeys {
  readonly #entries: readonly { readonly principal: Principal; readonly digest: Buffer }[];

  constructor(keys: readonly ConfiguredKey[]) {
    this.#entries = keys.map(({ tenant, isAdmin, key }) => ({
      principal: Object.freeze({ tenant, isAdmin }),
      digest: digest(key),
    }));
  }

  authenticate(key: string): Principal | undefined {
    const candidate = digest(key);
    let found: Principal | undefined;
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.digest, candidate)) found = entry.principal;
    }
    return found;
  }

  has(tenant: string): boolean {
    return this.#entries.some(({ principal }) => principal.tenant === tenant);
  }
}
