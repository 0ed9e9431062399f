import { setTimeout as pause } from 'node:timers/promises';

const ASK_EVERY_MS = 20;

export interface UntilOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Asks until the answer is true. Throws what was awaited when the time is up, and the signal's reason when aborted. */
export async function until(
  what: string,
  ask: () => Promise<boolean> | boolean,
  { timeoutMs, signal }: UntilOptions,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await ask())) {
    signal.throwIfAborted();
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await pause(ASK_EVERY_MS);
  }
}

/** Whether a GET is answered with 200. */
export async function isAnswered(url: string): Promise<boolean> {
  return fetch(url).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status === 200;
    },
    () => false,
  );
}
