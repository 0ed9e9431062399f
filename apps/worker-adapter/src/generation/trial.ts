import { type Quarantine, TRIAL_S } from '@fovea/quarantine';
import { pause } from '../pause.js';

export interface TrialRequest {
  readonly engine: string;
  readonly holder: string;
  /** Told that the trial could not be renewed or given back; it ends by itself. */
  readonly onError: (error: unknown) => void;
}

const WAIT_MS = 250;
const RENEW_MS = (TRIAL_S * 1_000) / 3;

/**
 * Waits until no other suspect runs on the engine, those of other workers included, and keeps them away until the returned
 * function is called. Rejects with the signal's reason, and with what the quarantine throws.
 */
export async function holdTrial(
  quarantine: Pick<Quarantine, 'enterTrial' | 'leaveTrial'>,
  { engine, holder, onError }: TrialRequest,
  signal: AbortSignal,
): Promise<() => void> {
  while (!(await quarantine.enterTrial(engine, holder))) {
    await pause(WAIT_MS, signal);
    signal.throwIfAborted();
  }
  const timer = setInterval(
    () => void quarantine.enterTrial(engine, holder).catch(onError),
    RENEW_MS,
  ).unref();
  return () => {
    clearInterval(timer);
    void quarantine.leaveTrial(engine, holder).catch(onError);
  };
}
