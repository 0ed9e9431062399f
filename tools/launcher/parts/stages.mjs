/**
 * The order in which parts stop: who asks goes before who answers, and Redis, which holds every stream, goes last.
 * One-off commands (install, build) run in the first stage.
 */
export const stages = { gateway: 0, adapter: 1, shim: 2, redis: 3 };

/** How long each part may take to finish what it runs; a request may run for REQUEST_TIMEOUT_S (300). */
export const drains = { gatewayMs: 310_000, adapterMs: 310_000, shimMs: 10_000 };
