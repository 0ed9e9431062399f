/**
 * Key names (DESIGN D4). Everything of one request shares the hash tag `{r:<id>}`, everything of one lane
 * `{q:<checkpoint>:<lane>}`, the model registry `{models}`, one tenant's stored files `{f:<tenant>}`, its API keys
 * and latest requests `{t:<tenant>}`; names are encoded
 * so that no client text can close a hash tag or forge a separator.
 */
export const encodeName = (name: string): string =>
  encodeURIComponent(name).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

export const requestKey = (requestId: string, suffix: string): string => `{r:${requestId}}:${suffix}`;

/** Prefix under which a lane's queue lives. */
export const laneKeyPrefix = (checkpoint: string, kind: string): string =>
  `{q:${encodeName(checkpoint)}:${kind}}`;

export const modelsKey = (suffix: string): string => `{models}:${suffix}`;

/** Key of a request's suspicion, by its fingerprint. */
export const quarantineKey = (fingerprint: string): string => `quarantine:${fingerprint}`;

export const filesKey = (tenant: string, suffix: string): string => `{f:${encodeName(tenant)}}:${suffix}`;

export const tenantKey = (tenant: string, suffix: string): string => `{t:${encodeName(tenant)}}:${suffix}`;

/** Whose API key it is, by the digest of its secret. */
export const apiKeyKey = (digest: string): string => `api-key:${digest}`;
