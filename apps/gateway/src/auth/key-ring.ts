import type { ConfiguredKeys } from './configured-keys.js';
import type { CreatedKeys } from './created-keys.js';
import { bearerKey, type Principal } from './principal.js';

/** Every key that opens the door: the configured ones, known at once, and those that tenants create. */
export class KeyRing {
  constructor(
    private readonly configured: ConfiguredKeys,
    private readonly created: Pick<CreatedKeys, 'authenticate'> | undefined,
  ) {}

  /**
   * Undefined for what is no key. A promise only where Redis has to be asked; it rejects with `SERVICE_UNAVAILABLE` when that
   * does not answer. Configured keys go on working then.
   */
  authenticate(authorization: string | undefined): Principal | undefined | Promise<Principal | undefined> {
    const key = bearerKey(authorization);
    if (key === undefined) return undefined;
    return this.configured.authenticate(key) ?? this.created?.authenticate(key);
  }
}
