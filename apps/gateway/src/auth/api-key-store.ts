import { z } from 'zod';

/** A created key as it is stored; its secret is not. */
export const storedKeySchema = z.object({
  id: z.string(),
  description: z.string(),
  /** SHA-256 of the secret, hex. */
  digest: z.string(),
  createdAtMs: z.number(),
});
export type StoredKey = z.infer<typeof storedKeySchema>;

export const keyOwnerSchema = z.object({ tenant: z.string(), id: z.string() });
/** Whose key it is. */
export type KeyOwner = z.infer<typeof keyOwnerSchema>;

/**
 * The API keys that tenants created. They stay until they are removed.
 *
 * A key is found by its digest only after `add` has returned, and no more when `remove` returns. What a crash in between
 * leaves is a key that is listed and opens nothing, which can be removed.
 */
export abstract class ApiKeyStore {
  /** False when the tenant has `maxKeys` already. */
  abstract add(tenant: string, key: StoredKey, maxKeys: number): Promise<boolean>;
  /** All keys of the tenant, oldest first. */
  abstract list(tenant: string): Promise<StoredKey[]>;
  /** False when the tenant has no such key. */
  abstract remove(tenant: string, id: string): Promise<boolean>;
  /** One read, for every request that comes with a created key. */
  abstract owner(digest: string): Promise<KeyOwner | undefined>;
  abstract close(): Promise<void>;
}
