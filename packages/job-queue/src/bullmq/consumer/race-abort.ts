/**
 * The awaited value, or undefined as soon as the signal aborts; what was awaited then goes on unheard. Racing against
 * one long-lived promise instead would keep every lost race, and what it was about, in memory.
 */
export async function raceAbort<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  let onAbort = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([awaited, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
