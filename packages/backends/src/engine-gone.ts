/** As `cause` of a `BACKEND_ERROR`: the engine's process is not there, or says of itself that it is dead. */
export class EngineGoneError extends Error {
  override readonly name = 'EngineGoneError';
}

const maxCauses = 8;

/**
 * True when an error of a `Backend` says that its engine is gone for good: nobody listens at its address, its health
 * check calls it dead, or it refused a request because its core has died. Such an engine needs a restart, and what it
 * ran is suspect. A reset, a time limit, an unknown host name or an odd answer is none of these.
 */
export function isEngineGone(error: unknown): boolean {
  let at = error;
  for (let causes = 0; causes < maxCauses && at instanceof Error; causes += 1) {
    if (at instanceof EngineGoneError) return true;
    at = at.cause;
  }
  return false;
}
