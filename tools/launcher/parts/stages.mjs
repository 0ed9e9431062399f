/**
 * The order in which parts stop: who asks goes before who answers, and Redis, which holds every stream, goes last.
 * One-off commands (install, build) run in the first stage.
 */
export const stages = { gateway: 0, adapter: 1, shim: 2, redis: 3 };
