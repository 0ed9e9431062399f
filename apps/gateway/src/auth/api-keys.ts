import { createHash, timingSafeEqual } from 'node:crypto';

/** Who is asking, known from headers alone. */
export interface Principal {
  /** Caches, blobs, limits, fairness and reading of requests go by tenant. */
  readonly tenant: string;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * API keys by tenant. Keys are kept as digests and every comparison looks at every key, so that the time an
 * answer takes tells nothing about how close a guess was.
 */
export class ApiKeys {
  readonly #entries: readonly { readonly tenant: string; readonly digest: Buffer }[];

  constructor(keys: readonly { readonly tenant: string; readonly key: string }[]) {
    this.#entries = keys.map(({ tenant, key }) => ({ tenant, digest: digest(key) }));
  }

  authenticate(authorization: string | undefined): Principal | undefined {
    const presented = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (presented === undefined) return undefined;
    const candidate = digest(presented);
    let found: Principal | undefined;
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.digest, candidate)) found = { tenant: entry.tenant };
    }
    return found;
  }
}
