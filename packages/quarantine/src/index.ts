import { FoveaError } from '@fovea/errors';

/**
 * `suspect`: an engine died while it ran. `condemned`: it ran as the only suspect of an engine, and that one died, too.
 */
export type Suspicion = 'none' | 'suspect' | 'condemned';

/** How long a suspicion lasts, and a condemnation, in seconds. */
export const QUARANTINE_S = 600;

/** How long the trial of an engine is held without being renewed, in seconds. */
export const TRIAL_S = 10;

/** What the client of a condemned request is told; `detail` is for the log. */
export const condemned = (detail: string): FoveaError =>
  new FoveaError('BACKEND_ERROR', {
    message: 'This request ended the engines it ran on. Sending it again is refused for ten minutes.',
    mayRetry: false,
    detail,
  });

/**
 * Requests under suspicion of ending engines, by their fingerprint (`InferenceJob.fingerprint`), so that one which is sent
 * again is known again: clients re-send a 502 up to nine times.
 *
 * Workers suspect, clear and condemn; gateways and workers ask. Only the death of an engine's own process counts, never that
 * of a worker or its host. A suspect may run, but not beside another suspect on the same engine; a condemned one is refused
 * without an engine. All is forgotten after `QUARANTINE_S`, and with the storage: a request is then innocent again.
 */
export abstract class Quarantine {
  abstract suspicionOf(fingerprint: string): Promise<Suspicion>;
  /** An engine died while these ran. What is condemned stays so; the time of a suspect begins anew. */
  abstract suspect(fingerprints: readonly string[]): Promise<void>;
  abstract condemn(fingerprint: string): Promise<void>;
  /** It ran to its end and the engine lives. What is condemned stays so. */
  abstract clear(fingerprint: string): Promise<void>;
  /**
   * Takes the trial of an engine for `TRIAL_S`, or renews it: one suspect runs there at a time, whichever worker gave it.
   * False while another holder has it. `engine` is any name that its workers agree on.
   */
  abstract enterTrial(engine: string, holder: string): Promise<boolean>;
  /** Gives the trial back; does nothing when the holder has lost it. */
  abstract leaveTrial(engine: string, holder: string): Promise<void>;
  abstract close(): Promise<void>;
}
