const REPEAT_AFTER_MS = 30_000;

/**
 * For errors of something that is tried again and again: the same text is passed on once in 30 s, a new one at
 * once.
 */
export function quietRepeats(log: (error: unknown) => void, nowMs = () => performance.now()) {
  let lastText: string | undefined;
  let lastAtMs = 0;
  return (error: unknown): void => {
    const text = error instanceof Error ? error.message : String(error);
    if (text === lastText && nowMs() - lastAtMs < REPEAT_AFTER_MS) return;
    lastText = text;
    lastAtMs = nowMs();
    log(error);
  };
}
