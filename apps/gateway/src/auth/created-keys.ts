import { FoveaError } from '@fovea/errors';
import { MAX_KEY_DESCRIPTION_CHARS } from '@fovea/schemas/http';
import { v7 as uuidv7 } from 'uuid';
import { orUnavailable } from '../http/or-unavailable.js';
import type { ApiKeyStore, StoredKey } from './api-key-store.js';
import { createSecret, digestOf, isSecret } from './key-secret.js';
import type { Principal } from './principal.js';
import { RecentAnswers } from './recent-answers.js';

/** How long another gateway may go on taking a key that was removed. */
const MAX_KEY_AGE_MS = 1_000;
const REMEMBERED_KEYS = 10_000;

export interface CreatedKeysOptions {
  readonly maxPerTenant: number;
  /** A created key ends with its tenant: one that is configured no more has no keys. */
  readonly isTenant: (tenant: string) => boolean;
}

/**
 * API keys that tenants create, list and remove. A created key is its tenant's, can do what an ordinary key can, and never
 * more. Every method throws `SERVICE_UNAVAILABLE` when Redis does not answer.
 */
export class CreatedKeys {
  /** Also of secrets that nobody has: guesses ask Redis once a second each, and push out others at worst. */
  readonly #recent = new RecentAnswers<Principal | undefined>(MAX_KEY_AGE_MS, REMEMBERED_KEYS);

  constructor(
    private readonly store: ApiKeyStore,
    private readonly options: CreatedKeysOptions,
  ) {}

  /** The secret is in this answer and nowhere else. Throws `RATE_LIMITED` when the tenant has no room for another key. */
  async create(tenant: string, description: string): Promise<{ key: StoredKey; secret: string }> {
    requireShort(description);
    const secret = createSecret();
    const key = { id: uuidv7(), description, digest: digestOf(secret), createdAtMs: Date.now() };
    const { maxPerTenant } = this.options;
    if (await orUnavailable(this.store.add(tenant, key, maxPerTenant))) return { key, secret };
    throw new FoveaError('RATE_LIMITED', {
      message: 'There is no room for another API key. Delete one first.',
      limit: { name: 'max_api_keys_per_tenant', value: maxPerTenant },
    });
  }

  list(tenant: string): Promise<StoredKey[]> {
    return orUnavailable(this.store.list(tenant));
  }

  /** This gateway refuses the key at once, others within `MAX_KEY_AGE_MS`. Throws `NOT_FOUND` for what the tenant does not have. */
  async remove(tenant: string, id: string): Promise<void> {
    const removed = await orUnavailable(this.store.remove(tenant, id));
    this.#recent.clear();
    if (!removed) throw new FoveaError('NOT_FOUND', { message: 'No such API key.', param: 'token_id' });
  }

  async authenticate(secret: string): Promise<Principal | undefined> {
    if (!isSecret(secret)) return undefined;
    const digest = digestOf(secret);
    return orUnavailable(this.#recent.get(digest, () => this.#find(digest)));
  }

  async #find(digest: string): Promise<Principal | undefined> {
    const owner = await this.store.owner(digest);
    if (owner === undefined || !this.options.isTenant(owner.tenant)) return undefined;
    return Object.freeze({ tenant: owner.tenant, isAdmin: false });
  }
}

function requireShort(description: string): void {
  // Code points are at most as many as code units: what is short enough is not counted.
  if (description.length <= MAX_KEY_DESCRIPTION_CHARS) return;
  const actual = [...description].length;
  if (actual <= MAX_KEY_DESCRIPTION_CHARS) return;
  throw new FoveaError('INVALID_REQUEST', {
    message: `description: expected at most ${MAX_KEY_DESCRIPTION_CHARS} characters`,
    param: 'description',
    limit: { name: 'max_api_key_description_chars', value: MAX_KEY_DESCRIPTION_CHARS, actual },
  });
}
