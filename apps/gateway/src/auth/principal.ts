/** Who is asking, known from headers alone. */
export interface Principal {
  /** Caches, blobs, limits, fairness and reading of requests go by tenant. */
  readonly tenant: string;
  /** May do what concerns all tenants. */
  readonly isAdmin: boolean;
}

/** The key of an `Authorization` header. */
export const bearerKey = (authorization: string | undefined): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
