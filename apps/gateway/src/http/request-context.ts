import type { FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import type { Principal } from '../auth/principal.js';
import { routePath } from './error-body.js';

/** What the gateway knows of a request from its first bytes on. */
export interface RequestContext {
  /** UUIDv7, minted here; request id = job id. */
  readonly id: string;
  /** `performance.now()` when the headers were complete. */
  readonly startedAtMs: number;
  /** The client's own `x-request-id`: a label for the log, never an id. */
  readonly label: string | undefined;
  /** Set once the key is known. */
  principal: Principal | undefined;
}

const contexts = new WeakMap<FastifyRequest['raw'], RequestContext>();
const MAX_LABEL_LENGTH = 128;

export function openContext(request: FastifyRequest): RequestContext {
  const header = request.headers['x-request-id'];
  const label = typeof header === 'string' ? header.slice(0, MAX_LABEL_LENGTH) : undefined;
  const context: RequestContext = {
    id: uuidv7(),
    startedAtMs: performance.now(),
    label,
    principal: undefined,
  };
  contexts.set(request.raw, context);
  return context;
}

/** The context of a request that went through the door; a request that has none is a bug. */
export function contextOf(request: FastifyRequest): RequestContext {
  const context = contexts.get(request.raw);
  if (context === undefined) throw new Error('a request reached a handler without passing the door');
  return context;
}

/** Who is behind an authenticated request. */
export function principalOf(request: FastifyRequest): Principal {
  const { principal } = contextOf(request);
  if (principal === undefined) throw new Error('an authenticated route was reached without a principal');
  return principal;
}

export const tenantOf = (request: FastifyRequest): string => principalOf(request).tenant;

/** Who asks for what: the tenant, and the route as its template, without `/v1` and query. For telemetry. */
export const requestSource = (request: FastifyRequest): { tenant: string; route: string } => ({
  tenant: tenantOf(request),
  route: routePath(request.routeOptions.url ?? request.url),
});
